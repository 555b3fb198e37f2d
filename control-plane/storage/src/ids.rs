//! Identifiers of what matching knows nothing about.

use matching::string_id;

string_id!(
    /// One match.
    MatchId
);
string_id!(
    /// What one ticket got.
    AssignmentId
);
string_id!(
    /// One game server.
    ServerId
);
string_id!(
    /// One land: `<landType>:<uuid>`.
    LandId
);
string_id!(
    /// A token's `jti`.
    TokenId
);
string_id!(
    /// One redemption of a token, named by who redeems: the same name again is the same redemption.
    RedemptionId
);
string_id!(
    /// One allocation, named by the service that asks for it: the same name again is the same allocation.
    AllocationId
);
string_id!(
    /// One attempt to make an allocation.
    AttemptId
);
string_id!(
    /// One process that forms matches, new with each start.
    WorkerId
);
string_id!(
    /// One control-plane process, new with each start.
    ReplicaId
);
