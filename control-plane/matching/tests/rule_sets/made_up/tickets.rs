//! Tickets and lineups for made-up rules.

use std::sync::Arc;

use matching::{Attribute, ByName, GroupId, Player, PlayerId, Ticket, TicketId, Time, rule_set::RuleSet};

use crate::{checker::team_names, dice::Dice};

/// A ticket of players with the attributes that made-up rules know, sometimes without one.
pub(crate) fn ticket(dice: &mut Dice, rules: &RuleSet, order: u64, now: Time) -> Ticket {
    let size = dice.one_of(&[1, 1, 1, 1, 2, 2, 3]);
    // Players that come together are alike.
    let (mode, skill, ping) = (dice.below(4), dice.between(0, 12), dice.between(1, 4));
    let names: Vec<String> = team_names(rules).into_iter().flat_map(|(own, kind)| [own, kind]).collect();
    let team = dice.once_in(12).then(|| dice.one_of(&names));
    let size: u64 = size;
    let players: Arc<[Player]> = (0..size)
        .map(|index| {
            // No averages that a computer knows only nearly: their sums would go by the order of the players.
            let skill = if size < 3 { skill + dice.below(2) } else { skill };
            let mut player = player(dice, &format!("p{order}-{index}"), mode, skill, ping);
            player.team = team.as_deref().map(Into::into);
            player
        })
        .collect();
    at(order, players, Time(now.0 - dice.below(10_001)))
}

/// A ticket of one player who has nothing but a skill.
pub(crate) fn plain_ticket(order: u64, skill: f64, enqueued_at: Time) -> Ticket {
    let mut player = Player::new(PlayerId::new(format!("p{order}-0")));
    player.attributes = [("skill", Attribute::Number(skill))].into_iter().collect();
    at(order, [player].into(), enqueued_at)
}

/// The ticket with a second player who is as good.
pub(crate) fn with_friend(ticket: &Ticket) -> Ticket {
    let first = &ticket.players[0];
    let friend = Player { id: PlayerId::new(format!("p{}-1", ticket.order)), ..first.clone() };
    Ticket { players: [first.clone(), friend].into(), ..ticket.clone() }
}

fn at(order: u64, players: Arc<[Player]>, enqueued_at: Time) -> Ticket {
    Ticket {
        id: TicketId::new(format!("ticket-{order}")),
        group: GroupId::new(format!("group-{order}")),
        players,
        order,
        enqueued_at,
        expires_at: Time(u64::MAX),
    }
}

fn player(dice: &mut Dice, id: &str, mode: u64, skill: u64, ping: u64) -> Player {
    let mut player = Player::new(PlayerId::new(id));
    let mode = if mode == 0 { dice.one_of(&["fun", "ranked"]) } else { "fun" };
    let texts = |texts: Vec<&str>| Attribute::StringList(texts.into_iter().map(Into::into).collect());
    let mut maps = dice.some_of(&["harbour", "desert", "harbour", "forest"]);
    if !dice.once_in(4) {
        maps.push("harbour");
    }
    let enemies = if dice.once_in(3) { vec![dice.one_of(&["p1-0", "p2-0", "p3-1", "p1-1"])] } else { vec![] };
    let rating = [("mu", dice.between(20, 30) as f64), ("sigma", dice.between(1, 8) as f64)];
    let level = if dice.once_in(20) { Attribute::String("3".into()) } else { number(dice.between(1, 3)) };
    let all = [
        ("skill", number(skill)),
        ("level", level),
        ("mode", Attribute::String(mode.into())),
        ("maps", texts(maps)),
        ("enemies", texts(enemies)),
        (
            "rating",
            Attribute::StringNumberMap(rating.into_iter().skip(usize::from(dice.once_in(20))).collect()),
        ),
    ];
    let had: Vec<_> = all.into_iter().filter(|_| !dice.once_in(25)).collect();
    player.attributes = had.into_iter().collect();
    let latency = |dice: &mut Dice| 10 * ping as u32 + dice.below(4) as u32 * 10;
    let regions = ["east", "north", "west"].into_iter().filter(|_| !dice.once_in(4)).collect::<Vec<_>>();
    player.latencies = regions.into_iter().map(|region| (region, latency(dice))).collect::<ByName<u32>>();
    player.role = match dice.below(4) {
        0 => Some("tank".into()),
        1 => Some("healer".into()),
        _ => None,
    };
    player
}

fn number(value: u64) -> Attribute {
    Attribute::Number(value as f64)
}

/// Puts some of the tickets into teams, most often as many as there is room for.
pub(crate) fn lineup<'t>(dice: &mut Dice, rules: &RuleSet, tickets: &'t [Ticket]) -> Vec<Vec<&'t Ticket>> {
    let names = team_names(rules);
    let room = |kind: &str| {
        let team = rules.teams.iter().find(|team| team.name == kind).unwrap();
        team.max_players.first as usize
    };
    let mut teams: Vec<Vec<&Ticket>> = vec![Vec::new(); names.len()];
    for ticket in tickets {
        let team = dice.below(teams.len() as u64) as usize;
        let players: usize = teams[team].iter().map(|ticket| ticket.size()).sum();
        if players + ticket.size() <= room(&names[team].1) || dice.once_in(30) {
            teams[team].push(ticket);
        }
    }
    if teams.iter().all(Vec::is_empty) {
        teams[0].push(&tickets[0]);
    }
    teams
}
