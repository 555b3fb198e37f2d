//! The transitions, as scripts that Redis runs whole or not at all.
//!
//! A script touches the keys of one queue (or one claim, or the replicas, or the allocations) only, takes time as an argument, and gives the same
//! outcome when it is run again because its answer was lost. The replicas' read Redis's own clock: theirs differ.

use redis::{Cmd, Script as Sha};

/// A script and its name among Redis's loaded ones.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    sha: String,
}

/// All scripts; their names are computed once.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) enqueue: Script,
    pub(super) void: Script,
    pub(super) replace: Script,
    pub(super) give_back: Script,
    pub(super) cancel: Script,
    pub(super) assign: Script,
    pub(super) expire: Script,
    pub(super) note_seen: Script,
    pub(super) drop_absent: Script,
    pub(super) next_fence: Script,
    pub(super) claim: Script,
    pub(super) renew: Script,
    pub(super) release: Script,
    pub(super) follow: Script,
    pub(super) is_unowned: Script,
    pub(super) report: Script,
    pub(super) places: Script,
    pub(super) redeem: Script,
    pub(super) allocations_begin: Script,
    pub(super) allocations_made: Script,
    pub(super) allocations_give_up: Script,
    pub(super) allocations_forget: Script,
    pub(super) allocations_keep: Script,
    pub(super) allocations_sweep: Script,
    pub(super) retire: Script,
    pub(super) register: Script,
    pub(super) unregister: Script,
    pub(super) forget: Script,
    pub(super) replicas_announce: Script,
    pub(super) replicas_leave: Script,
    pub(super) replicas_live: Script,
    pub(super) replicas_hold: Script,
    pub(super) replicas_let_go: Script,
    pub(super) replicas_holder: Script,
}

macro_rules! script {
    ($($file:literal),+) => {
        Script::new(concat!($(include_str!(concat!("scripts/", $file, ".lua"))),+))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            enqueue: script!("enqueue"),
            void: script!("void"),
            replace: script!("replace"),
            give_back: script!("give_back"),
            cancel: script!("common", "close", "cancel"),
            assign: script!("common", "assign"),
            expire: script!("common", "expire"),
            note_seen: script!("note_seen"),
            drop_absent: script!("common", "drop_absent"),
            next_fence: script!("next_fence"),
            claim: script!("claim"),
            renew: script!("renew"),
            release: script!("close", "release"),
            follow: script!("follow"),
            is_unowned: script!("is_unowned"),
            report: script!("report"),
            places: script!("places"),
            redeem: script!("redeem"),
            allocations_begin: script!("allocations_common", "allocations_begin"),
            allocations_made: script!("allocations_common", "allocations_made"),
            allocations_give_up: script!("allocations_common", "allocations_give_up"),
            allocations_forget: script!("allocations_common", "allocations_forget"),
            allocations_keep: script!("allocations_common", "allocations_keep"),
            allocations_sweep: script!("allocations_common", "allocations_sweep"),
            retire: script!("retire"),
            register: script!("register"),
            unregister: script!("unregister"),
            forget: script!("forget"),
            replicas_announce: script!("replicas_common", "replicas_announce"),
            replicas_leave: script!("replicas_common", "replicas_leave"),
            replicas_live: script!("replicas_common", "replicas_live"),
            replicas_hold: script!("replicas_common", "replicas_hold"),
            replicas_let_go: script!("replicas_let_go"),
            replicas_holder: script!("replicas_common", "replicas_holder"),
        }
    }
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, sha: Sha::new(text).get_hash().to_owned() }
    }

    /// Runs it by its name; Redis refuses where it doesn't know the script (any more).
    pub(super) fn by_name(&self, keys: &[String], args: &[&str]) -> Cmd {
        command("EVALSHA", &self.sha, keys, args)
    }

    /// Runs it by its text, after which its name is known. For short scripts that go out many at a time, too.
    pub(super) fn by_text(&self, keys: &[String], args: &[&str]) -> Cmd {
        command("EVAL", self.text, keys, args)
    }
}

fn command(name: &str, script: &str, keys: &[String], args: &[&str]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(args);
    command
}
