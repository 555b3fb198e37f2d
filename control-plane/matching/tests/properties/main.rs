//! What the engine promises, whatever the rules, the parties and the times: properties over made-up queues.
//!
//! [`world`] holds an engine beside a model that is too simple to be wrong, and checks every answer against it. The
//! other modules are the properties, one idea each.

mod completeness;
mod deadlines;
mod made_up;
mod scripts;
mod world;
