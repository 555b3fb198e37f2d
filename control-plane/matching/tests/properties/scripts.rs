//! Whatever happens to a queue, in whatever order: every answer is right, and the same again the next time.

use proptest::prelude::*;

use crate::{
    made_up,
    world::{Step, World},
};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1..6_u32, 0..200_u64, 0..10_u64)
            .prop_map(|(size, lifetime, skew)| Step::Insert { size, lifetime, skew }),
        2 => any::<usize>().prop_map(Step::Remove),
        2 => any::<usize>().prop_map(Step::PutBack),
        4 => prop_oneof![Just(usize::MAX), 0..3_usize].prop_map(|limit| Step::Pass { limit }),
        1 => prop_oneof![Just(usize::MAX), 0..3_usize].prop_map(|limit| Step::Expire { limit }),
        4 => (1..20_u64).prop_map(Step::Wait),
    ]
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..120)
}

proptest! {
    /// Nobody is in two matches; sizes are kept and parties stay whole; of one size the older goes first, also when it
    /// was put back; what was removed or is over is never proposed.
    #[test]
    fn every_answer_is_right(rules in made_up::rules(), script in script()) {
        let mut world = World::new(rules);
        for step in &script {
            world.run(step);
        }
    }

    #[test]
    fn the_same_script_gives_the_same_matches(rules in made_up::rules(), script in script()) {
        let [mut one, mut other] = [World::new(rules.clone()), World::new(rules)];
        for step in &script {
            one.run(step);
            other.run(step);
            prop_assert_eq!(&one.proposals, &other.proposals);
            prop_assert_eq!(one.engine.next_deadline(), other.engine.next_deadline());
        }
    }

    /// Whoever waits longest is served first: the anchor of a match is older than that of the next.
    #[test]
    fn matches_come_oldest_first(rules in made_up::rules_at_once(), sizes in proptest::collection::vec(1..6_u32, 0..80)) {
        let mut world = World::new(rules);
        for size in sizes {
            world.run(&Step::Insert { size, lifetime: 1_000, skew: 0 });
        }
        world.run(&Step::Wait(100));
        world.run(&Step::Pass { limit: usize::MAX });
        let anchors: Vec<u64> = world.proposals.iter().map(|proposal| proposal.tickets[0].order).collect();
        prop_assert!(anchors.is_sorted(), "{:?}", anchors);
    }

    /// A party waits for company, not for luck: with enough solos behind it, it plays, however many are ahead.
    #[test]
    fn a_party_does_not_starve_among_solos(
        rules in made_up::rules_at_once(),
        size in 1..6_u32,
        ahead in 0..40_u64,
        // As many as the largest of these matches has.
        behind in 16..60_u64,
    ) {
        let size = size.min(rules.max_party());
        let mut world = World::new(rules);
        for order in 1..=ahead + 1 + behind {
            let size = if order == ahead + 1 { size } else { 1 };
            world.run(&Step::Insert { size, lifetime: 1_000, skew: 0 });
            if order > ahead {
                world.run(&Step::Pass { limit: usize::MAX });
            }
        }
        prop_assert!(!world.waiting.contains_key(&(ahead + 1)), "{:?}", world.waiting);
    }
}
