//! What a caller is to the control plane.

use std::fmt;

/// One of the parts that a caller can play. The names are those of the access file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// A studio's own service: tickets for anybody, lands of its own.
    Matchmaking,
    /// A person or a tool that looks after Muster: queues, keys, servers, and why tickets wait.
    Operator,
    /// What speaks for game servers, and for no others than its own.
    Agent,
    /// An edge gateway: tickets on behalf of the players whom it has verified.
    Gateway,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Matchmaking, Self::Operator, Self::Agent, Self::Gateway];

    /// As the access file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matchmaking => "matchmaking",
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::Gateway => "gateway",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Some of the scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self::of(&Scope::ALL);

    /// These.
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < scopes.len() {
            bits |= 1 << scopes[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// Whether this one is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether one of these is one of those.
    pub const fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            Scope::ALL.iter().filter(|scope| self.has(**scope)).map(|scope| format!("`{}`", scope.name()));
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}
