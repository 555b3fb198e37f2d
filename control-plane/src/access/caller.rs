//! Whoever passed the guard, for the services.

use std::sync::Arc;

use matching::{PlayerId, Ticket};
use proto::error::{Reason, Refusal};

use super::{Scope, Scopes, servers::Servers};

/// Who makes a call, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As the access file calls them.
    pub(crate) name: Arc<str>,
    /// What they may be.
    pub(crate) scopes: Scopes,
    /// The server ids that they may speak for.
    pub(super) servers: Arc<Servers>,
    /// The verified player on whose behalf a gateway calls. `None`: the caller's own business.
    pub(crate) player: Option<PlayerId>,
}

impl Caller {
    /// Everybody is anybody: nobody is asked for credentials here.
    pub(crate) fn anybody() -> Self {
        Self { name: "anybody".into(), scopes: Scopes::ALL, servers: Arc::new(Servers::all()), player: None }
    }

    /// Who made this request. Without the guard's word there is no caller: then the guard is missing, which is a fault of ours.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Result<Self, Refusal> {
        request.extensions().get().cloned().ok_or_else(|| {
            tracing::error!("a call came past the guard; it is refused");
            Refusal::internal()
        })
    }

    /// Whether the ticket is for them to see. Who acts for a player sees that player's tickets and no others.
    pub(crate) fn sees(&self, ticket: &Ticket) -> bool {
        let Some(player) = &self.player else { return true };
        ticket.players.iter().any(|member| member.id == *player)
    }

    /// An agent speaks for its own servers and for no others.
    pub(crate) fn speaks_for(&self, server: &str) -> Result<(), Refusal> {
        if self.servers.have(server) {
            return Ok(());
        }
        // A stolen key learns here what it knew anyway.
        let name = &self.name;
        let message = format!(
            "`{name}` may not speak for the server `{server}`: the access file's line says `servers=` of which it may"
        );
        Err(Refusal::new(Reason::Forbidden, message))
    }

    /// An operator takes any server off the list; an agent its own.
    pub(crate) fn deregisters(&self, server: &str) -> Result<(), Refusal> {
        if self.scopes.has(Scope::Operator) { Ok(()) } else { self.speaks_for(server) }
    }

    /// A player puts no others into a queue than a party that they belong to.
    pub(crate) fn enqueues<'a>(&self, players: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
        let Some(player) = &self.player else { return Ok(()) };
        let mut players = players.into_iter().peekable();
        // Nobody at all is no group, and is refused as such.
        if players.peek().is_none() || players.any(|member| member == player.as_str()) {
            return Ok(());
        }
        let message = "a player enqueues only groups that they are a member of; add the player, or leave it to your backend";
        Err(Refusal::new(Reason::Forbidden, message))
    }
}
