//! What a person reads when a run went wrong: what was found, what happened around it, and how to have it happen again.

use std::fmt::Write as _;

use super::{
    check::Finding,
    history::{Entry, Event},
    plan::Plan,
};

/// More lines than this about one finding are not read by anybody: the last ones matter most.
const LINES: usize = 60;
/// Findings beyond these have most likely the same cause.
const FINDINGS: usize = 4;
/// The last things that happened, whatever they were about.
const LAST: usize = 25;

/// All there is to say of a run that went wrong.
pub(super) fn report(plan: &Plan, history: &[Entry], findings: &[Finding]) -> String {
    let mut text = format!(
        "seed {}: {} servers, {} tickets, {} faults in {} s; {} findings. Again: \n  \
         MUSTER_SEED={} cargo test -p control-plane --lib simulation::tests::replay -- --ignored --nocapture\n",
        plan.seed,
        plan.servers.len(),
        plan.groups.len(),
        plan.faults.len(),
        plan.load_ms / 1_000,
        findings.len(),
        plan.seed,
    );
    for finding in findings.iter().take(FINDINGS) {
        writeln!(text, "\n{finding}").expect("a text takes all");
        let concerns = |entry: &&Entry| entry.event.is_about(&finding.about) || is_large(&entry.event);
        last(&mut text, &history.iter().filter(concerns).collect::<Vec<_>>(), LINES);
    }
    writeln!(text, "\nthe last of all:").expect("a text takes all");
    last(&mut text, &history.iter().collect::<Vec<_>>(), LAST);
    text
}

/// Whether it is about everybody.
fn is_large(event: &Event) -> bool {
    matches!(event, Event::ControlUp { .. } | Event::ControlDown { .. } | Event::Rest)
}

fn last(text: &mut String, entries: &[&Entry], most: usize) {
    let left_out = entries.len().saturating_sub(most);
    if left_out > 0 {
        writeln!(text, "            … {left_out} before …").expect("a text takes all");
    }
    for entry in &entries[left_out..] {
        writeln!(text, "  {entry}").expect("a text takes all");
    }
}
