//! The saga of one match with real programs: at each of its steps the game server, its agent or the control plane is killed.
//!
//! reserve → the server is told → it accepts → the ticket is assigned → its player is told. The world is stopped at a step by stopping (SIGSTOP)
//! whoever would take the next, then one of the three is killed (SIGKILL), and everything goes on. Whatever happens: the ticket is assigned, once,
//! to a server that accepted it; nobody has to ask twice; and when all is over, every place is free again.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod world;

use self::world::{Step, Victim, World};

/// One scenario: the world is brought to the step, the victim is killed, and what must hold is looked at.
async fn killed_at(step: Step, victim: Victim) {
    let mut world = World::start().await;
    let mut ann = world.enqueue("ann", step).await;
    world.reach(step, &ann).await;
    world.kill(victim).await;
    world.go_on(victim).await;

    let assignment = world.pushed(&mut ann).await;
    if victim != Victim::ControlPlane {
        world.restart(victim).await;
    }
    world.assert_assigned_once(&ann, &assignment).await;
    // A server that accepted and then died keeps what it accepted: nobody can know before the ticket's player comes.
    let lost = victim == Victim::GameServer && assignment["serverId"] == "game-1";
    if lost {
        assert!(step >= Step::Accepted, "assigned to a server that died before it accepted: {assignment}");
    } else {
        world.plays(&ann, "ann").await;
    }
    // Two servers with one place each: both must be free again for these two to play.
    world.all_places_are_free().await;
    world.two_others_play().await;
}

macro_rules! scenarios {
    ($($name:ident: $step:ident, $victim:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                killed_at(Step::$step, Victim::$victim).await;
            }
        )*
    };
}

scenarios! {
    the_game_server_dies_before_it_is_told: Reserved, GameServer;
    the_agent_dies_before_it_reads_the_order: Reserved, Agent;
    the_control_plane_dies_while_the_order_is_on_its_way: Reserved, ControlPlane;
    the_game_server_dies_before_it_answers: Told, GameServer;
    the_agent_dies_before_its_server_answers: Told, Agent;
    the_control_plane_dies_before_the_server_answers: Told, ControlPlane;
    the_game_server_dies_when_it_has_accepted: Accepted, GameServer;
    the_agent_dies_when_its_server_has_accepted: Accepted, Agent;
    the_control_plane_dies_before_it_hears_that_the_server_accepted: Accepted, ControlPlane;
    the_game_server_dies_before_the_player_is_told: Assigned, GameServer;
    the_agent_dies_before_the_player_is_told: Assigned, Agent;
    the_control_plane_dies_before_the_player_is_told: Assigned, ControlPlane;
}
