//! The tickets of the control plane that the tests play: in memory, with the rules that the contract names.

use std::collections::{HashMap, HashSet};

use proto::{
    error::{FieldError, Reason, Refusal},
    matchmaking::v1 as pb,
};

/// All tickets there ever were.
#[derive(Default)]
pub(crate) struct Tickets {
    by_id: HashMap<String, (pb::EnqueueRequest, pb::Ticket)>,
    next_group: u32,
}

impl Tickets {
    pub(crate) fn enqueue(&mut self, mut request: pb::EnqueueRequest) -> Result<pb::Ticket, Refusal> {
        validate(&request)?;
        if let Some((_, known)) = self.by_id.get(&request.ticket_id) {
            return Ok(known.clone());
        }
        let active: Vec<_> = self.by_id.values().filter(|(_, ticket)| is_queued(ticket)).collect();
        if let Some((sent, ticket)) = active
            .iter()
            .find(|(_, ticket)| !request.group_id.is_empty() && ticket.group_id == request.group_id)
        {
            let ticket_id = request.ticket_id.clone();
            request.ticket_id.clone_from(&sent.ticket_id);
            if *sent == request {
                return Ok(ticket.clone());
            }
            request.ticket_id = ticket_id;
            let refusal = Refusal::new(Reason::GroupAlreadyQueued, "the group is queued with other content");
            return Err(refusal.with("ticketId", &ticket.ticket_id));
        }
        let wanted: Vec<_> = request.players.iter().map(|player| player.player_id.clone()).collect();
        for player in &wanted {
            if active.iter().any(|(_, ticket)| ticket.player_ids.contains(player)) {
                let refusal = Refusal::new(Reason::PlayerAlreadyQueued, "a player is in another ticket");
                return Err(refusal.with("playerId", player));
            }
        }
        self.next_group += 1;
        let group_id = if request.group_id.is_empty() {
            format!("group-{}", self.next_group)
        } else {
            request.group_id.clone()
        };
        let ticket = pb::Ticket {
            ticket_id: request.ticket_id.clone(),
            queue_key: request.queue_key.clone(),
            group_id,
            player_ids: wanted,
            status: pb::TicketStatus::Queued.into(),
            enqueued_at_unix_ms: 1_752_831_000_000,
            expires_at_unix_ms: 1_752_831_600_000,
            ..pb::Ticket::default()
        };
        self.by_id.insert(request.ticket_id.clone(), (request, ticket.clone()));
        Ok(ticket)
    }

    pub(crate) fn get(&self, ticket_id: &str) -> Result<pb::Ticket, Refusal> {
        self.by_id
            .get(ticket_id)
            .map(|(_, ticket)| ticket.clone())
            .ok_or_else(|| Refusal::new(Reason::TicketNotFound, "there is no such ticket"))
    }

    /// The same, where it is a ticket of this player's.
    pub(crate) fn get_for(&self, ticket_id: &str, player: Option<&str>) -> Result<pb::Ticket, Refusal> {
        let ticket = self.get(ticket_id)?;
        if player.is_none_or(|player| ticket.player_ids.iter().any(|id| id == player)) {
            return Ok(ticket);
        }
        // In other words than those above: the gateway has to make them one.
        Err(Refusal::new(Reason::TicketNotFound, "there is no such ticket for you"))
    }

    pub(crate) fn request(&self, ticket_id: &str) -> pb::EnqueueRequest {
        self.by_id[ticket_id].0.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Changes a ticket where it is still queued.
    pub(crate) fn change(&mut self, ticket_id: &str, change: impl FnOnce(&mut pb::Ticket)) {
        if let Some((_, ticket)) = self.by_id.get_mut(ticket_id)
            && is_queued(ticket)
        {
            change(ticket);
        }
    }

    pub(crate) fn forget_all(&mut self) {
        self.by_id.clear();
    }
}

pub(crate) fn is_queued(ticket: &pb::Ticket) -> bool {
    ticket.status() == pb::TicketStatus::Queued
}

/// An assignment for these players.
pub(crate) fn assignment(players: &[String]) -> pb::Assignment {
    let token = |player: &String| format!("token-of-{player}");
    pb::Assignment {
        assignment_id: "assignment-1".to_owned(),
        match_id: "match-1".to_owned(),
        land_id: "demo:land-1".to_owned(),
        server_id: "server-1".to_owned(),
        connect_url: "ws://play.example:7001/game/demo?landId=demo:land-1".to_owned(),
        expires_at_unix_ms: 1_752_831_300_000,
        match_token: players.first().map(token).unwrap_or_default(),
        player_tokens: players.iter().map(|player| (player.clone(), token(player))).collect(),
        teams: vec![pb::Team { name: "red".to_owned(), player_ids: players.to_vec() }],
    }
}

fn validate(request: &pb::EnqueueRequest) -> Result<(), Refusal> {
    let mut fields = Vec::new();
    let mut check = |field: String, wrong: bool, message: &str| {
        if wrong {
            fields.push(FieldError::new(field, message));
        }
    };
    let bad_id = |id: &str| !(1..=128).contains(&id.len()) || id.contains(char::is_control);
    check("queue_key".to_owned(), bad_id(&request.queue_key), "must be 1 to 128 bytes");
    let count = request.players.len();
    check("players".to_owned(), !(1..=100).contains(&count), "must be 1 to 100");
    let mut seen = HashSet::new();
    for (index, player) in request.players.iter().enumerate() {
        let path = format!("players[{index}].player_id");
        check(path.clone(), bad_id(&player.player_id), "must be 1 to 128 bytes without control characters");
        check(path, !seen.insert(&player.player_id), "is there twice");
    }
    let size = request.group_size.map_or(count, |size| usize::try_from(size).unwrap());
    check("group_size".to_owned(), size != count, "must equal the number of players");
    if fields.is_empty() { Ok(()) } else { Err(Refusal::invalid(fields)) }
}
