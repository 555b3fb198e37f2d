//! Telling servers again what they were told and have not done, whenever they say what they have.

use matching::Time;
use storage::ServerId;

use super::{
    Inner,
    link::Command,
    server::FreedSeats,
    table::{Ended, Reminder},
};

impl Inner {
    /// Says again what a server was told and has not done.
    pub(super) fn remind(&mut self, server: &ServerId, now: Time) {
        let Reminder { drain, ended, freed } = self.table.remind(server, now);
        if let Some(order) = drain {
            self.links.send(server, order.into());
        }
        self.end(ended);
        for FreedSeats { land, players } in freed {
            self.links.send(server, Command::SeatsFreed { land, players });
        }
    }

    /// Tells servers to end lands whose places are given back already. Who still waits for one learns that it won't come.
    pub(super) fn end(&mut self, lands: Vec<Ended>) {
        for Ended { server, land, reason } in lands {
            self.links.forget(&server, &land);
            self.links.send(&server, Command::Release { land, reason });
        }
    }
}
