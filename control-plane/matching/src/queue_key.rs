//! A queue's name, and what it says where nobody configured the queue.

string_id!(
    /// Names a queue, for example `hero-defense:3v3`: a land type, and after the last colon the shape of its matches.
    QueueKey
);

impl QueueKey {
    /// What stands before the last colon: the land type of a queue without configuration. A key without a colon is all
    /// land type.
    pub fn land_type(&self) -> &str {
        self.as_str().rsplit_once(':').map_or(self.as_str(), |(land_type, _)| land_type)
    }

    /// What stands after the last colon, for example `3v3`.
    pub fn shape(&self) -> Option<&str> {
        self.as_str().rsplit_once(':').map(|(_, shape)| shape)
    }
}
