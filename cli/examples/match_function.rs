//! A match function to start from: who is close in `skill` plays together.
//!
//! Run it with `cargo run --example match_function -- 127.0.0.1:9000`, and name it in the control plane's configuration file:
//!
//! ```toml
//! [queues."demo:2v2"]
//! match_function = "http://127.0.0.1:9000"
//! ```
//!
//! It keeps nothing between calls and decides nothing: Muster checks what it proposes, and calls it again. See docs/match-function.md.

use std::{error::Error, pin::Pin};

use futures_util::{Stream, stream};
use proto::{
    match_function::v1::{
        Proposal, ProposeRequest, ProposeResponse, Round, Team, Ticket,
        match_function_server::{MatchFunction, MatchFunctionServer},
        propose_request::Part,
    },
    matchmaking::v1::attribute_value::Kind,
};
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// The function.
#[derive(Debug)]
pub(crate) struct BySkill;

#[tonic::async_trait]
impl MatchFunction for BySkill {
    type ProposeStream = Pin<Box<dyn Stream<Item = Result<ProposeResponse, Status>> + Send>>;

    async fn propose(
        &self,
        request: Request<Streaming<ProposeRequest>>,
    ) -> Result<Response<Self::ProposeStream>, Status> {
        let mut parts = request.into_inner();
        let (mut round, mut tickets) = (None, Vec::new());
        while let Some(request) = parts.message().await? {
            match request.part {
                Some(Part::Round(first)) => round = Some(first),
                Some(Part::Tickets(more)) => tickets.extend(more.tickets),
                None => {}
            }
        }
        let round = round.ok_or_else(|| Status::invalid_argument("the round comes first"))?;
        // One to a message, which so is never too large.
        let answer = matches(&round, tickets).into_iter();
        let answer = answer.map(|one| Ok(ProposeResponse { proposals: vec![one], again_in_ms: 0 }));
        Ok(Response::new(Box::pin(stream::iter(answer))))
    }
}

/// Each ticket and those that come after it in the order of skill, as far as they fill a match. A ticket is in many of these: the
/// score says which is best, and Muster gives it to that one.
fn matches(round: &Round, mut tickets: Vec<Ticket>) -> Vec<Proposal> {
    tickets.sort_by(|a, b| skill(a).total_cmp(&skill(b)));
    let near = 2 * round.max_players as usize;
    (0..tickets.len()).filter_map(|first| one(round, tickets[first..].iter().take(near))).collect()
}

fn one<'a>(round: &Round, tickets: impl Iterator<Item = &'a Ticket>) -> Option<Proposal> {
    // A queue without teams gets one without a name.
    let whole = [(String::new(), round.max_players as usize)];
    let named = round.teams.iter().map(|team| (team.name.clone(), team.max_players as usize));
    let mut room: Vec<_> = if round.teams.is_empty() { whole.into() } else { named.collect() };
    let mut teams: Vec<_> =
        room.iter().map(|(name, _)| Team { name: name.clone(), ticket_ids: vec![] }).collect();
    let mut skills = Vec::new();
    for ticket in tickets {
        // A party is never split: where no team has room for it, the next one is looked at.
        if let Some(team) = room.iter().position(|(_, room)| *room >= ticket.players.len()) {
            teams[team].ticket_ids.push(ticket.ticket_id.clone());
            room[team].1 -= ticket.players.len();
            skills.push(skill(ticket));
        }
        if room.iter().all(|(_, room)| *room == 0) {
            let spread = skills.last()? - skills.first()?;
            return Some(Proposal { teams, score: -spread });
        }
    }
    None
}

/// The average of its players; those who bring none don't count.
fn skill(ticket: &Ticket) -> f64 {
    let skills = ticket.players.iter().filter_map(|player| match player.attributes.get("skill")?.kind {
        Some(Kind::Number(skill)) => Some(skill),
        _ => None,
    });
    let skills: Vec<f64> = skills.collect();
    skills.iter().sum::<f64>() / skills.len().max(1) as f64
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = std::env::args().nth(1).ok_or("where to listen? For example 127.0.0.1:9000")?.parse()?;
    Server::builder().add_service(MatchFunctionServer::new(BySkill)).serve(addr).await?;
    Ok(())
}
