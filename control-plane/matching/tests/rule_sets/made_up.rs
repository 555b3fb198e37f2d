//! Rule sets, tickets and lineups that nobody thought of.

mod duels;
mod expressions;
mod rules;
mod tickets;
mod usual;

pub(crate) use duels::duel_rule_set;
pub(crate) use rules::rule_set;
pub(crate) use tickets::{lineup, plain_ticket, ticket, with_friend};
pub(crate) use usual::usual_rule_set;
