//! Why a ticket waits where the rules know sizes and ages only: for more players.

use super::Simple;
use crate::{Rules, TicketId, Time, explanation::Explanation};

impl Simple {
    /// How things stand for a ticket. `None`: it isn't here.
    pub(crate) fn explain(&self, id: &TicketId, now: Time) -> Option<Explanation> {
        let own = self.pool.get(id)?;
        // Everybody fits everybody; what has expired and is still here is soon gone.
        let fitting = self.pool.len() - 1;
        let players: usize = self.pool.buckets().map(|(size, bucket)| size as usize * bucket.len()).sum();
        let fitting_players = players.saturating_sub(own.size());
        let oldest = self.pool.heads().map(|(_, head)| head.enqueued_at).min().unwrap_or(now);
        let players_needed = match &self.rules {
            Rules::StartAlone | Rules::RuleSet(_) => own.size(),
            Rules::FillGroup { min_players, max_players, relax_after, .. } => {
                let relaxed = relax_after.is_some_and(|after| now.since(oldest) >= after);
                (if relaxed { *min_players } else { *max_players }) as usize
            }
            Rules::Teams { sizes, .. } => sizes.iter().map(|size| *size as usize).sum(),
        };
        Some(Explanation {
            candidates: fitting,
            looked_at: fitting,
            fitting,
            fitting_players,
            exclusions: Vec::new(),
            players_needed,
            players_missing: players_needed.saturating_sub(own.size() + fitting_players),
            // The oldest ticket's age counts, whoever asks.
            next_change: self.rules.turning_ages().map(|age| oldest + age).filter(|at| *at > now).min(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{GroupId, Player, PlayerId, QueueConfig, QueueKey, Ticket};

    fn ticket(order: u64, players: usize, at: Time) -> Ticket {
        Ticket {
            id: TicketId::new(format!("t{order}")),
            group: GroupId::new(format!("g{order}")),
            players: (0..players).map(|n| Player::new(PlayerId::new(format!("p{order}-{n}")))).collect(),
            order,
            enqueued_at: at,
            expires_at: at + Duration::from_secs(900),
        }
    }

    #[test]
    fn what_is_missing_are_players() {
        let config = QueueConfig {
            min_players: Some(4),
            max_players: Some(6),
            relax_after: Some(Duration::from_secs(20)),
            ..QueueConfig::default()
        };
        let mut queue = Simple::new(Rules::new(&QueueKey::new("coop"), &config).unwrap());
        assert!(queue.insert(ticket(1, 1, Time(0))) && queue.insert(ticket(2, 2, Time(5_000))));
        let told = queue.explain(&TicketId::new("t2"), Time(6_000)).unwrap();
        assert_eq!((told.candidates, told.fitting, told.fitting_players), (1, 1, 1));
        assert_eq!((told.players_needed, told.players_missing), (6, 3));
        assert_eq!(told.next_change, Some(Time(20_000)), "by the age of the oldest");
        let told = queue.explain(&TicketId::new("t2"), Time(20_000)).unwrap();
        assert_eq!((told.players_needed, told.players_missing, told.next_change), (4, 1, None));
        assert_eq!(queue.explain(&TicketId::new("t3"), Time(0)), None);
    }

    #[test]
    fn teams_need_all_their_players() {
        let rules = Rules::new(&QueueKey::new("x:3v3"), &QueueConfig::default()).unwrap();
        let mut queue = Simple::new(rules);
        assert!(queue.insert(ticket(1, 2, Time(0))));
        let told = queue.explain(&TicketId::new("t1"), Time(0)).unwrap();
        assert_eq!((told.players_needed, told.players_missing), (6, 4));
    }
}
