//! What the address of a socket says: which ticket it wants to follow.

/// What the address of a socket asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subscription {
    /// Nothing: the client will enqueue.
    None,
    /// To follow this ticket.
    Ticket(String),
    /// Something that can't be.
    Bad,
}

impl Subscription {
    /// Of the parameters in the address; `None` where they can't be read.
    pub(super) fn of(query: Option<Vec<(String, String)>>) -> Self {
        let Some(query) = query else { return Self::Bad };
        let mut ids = query.into_iter().filter(|(name, _)| name == "ticketId").map(|(_, id)| id);
        match (ids.next(), ids.next()) {
            (None, _) => Self::None,
            (Some(id), None) if (1..=128).contains(&id.len()) && !id.contains(char::is_control) => {
                Self::Ticket(id)
            }
            _ => Self::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_ticket_or_none() {
        let of = |ids: &[&str]| {
            let query = ids.iter().map(|id| ("ticketId".to_owned(), (*id).to_owned()));
            Subscription::of(Some(query.collect()))
        };
        assert_eq!(of(&[]), Subscription::None);
        assert_eq!(of(&["t"]), Subscription::Ticket("t".to_owned()));
        let long = "x".repeat(129);
        for bad in [&[""][..], &["a", "b"], &["a\n"], &[long.as_str()]] {
            assert_eq!(of(bad), Subscription::Bad, "{bad:?}");
        }
        assert_eq!(Subscription::of(None), Subscription::Bad);
    }
}
