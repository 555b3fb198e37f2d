//! Which replica of the control plane comes next: a random one of those that were not tried.
//!
//! Random, so that the agents of a replica that died spread over the others. It knows addresses and what was tried;
//! when to try is the machine's business, and what came of it too.

use std::collections::HashSet;

use rand::seq::{IteratorRandom as _, SliceRandom as _};
use runtime::{
    control_plane::Way,
    endpoints::{Endpoint, Endpoints},
};

/// Chooses addresses for one user of them.
#[derive(Debug)]
pub(crate) struct Route {
    endpoints: Endpoints,
    way: Way,
    tried: HashSet<Endpoint>,
    last: Option<Endpoint>,
}

impl Route {
    /// The addresses, and how to come to each.
    pub(crate) fn new(endpoints: Endpoints, way: Way) -> Self {
        Self { endpoints, way, tried: HashSet::new(), last: None }
    }

    /// How to come to an address.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// How many addresses there are.
    pub(crate) fn len(&self) -> usize {
        self.endpoints.known().len()
    }

    /// The next one to try; `None` where none is known. Once all were tried it begins again, but not with the last one.
    pub(crate) fn next(&mut self) -> Option<Endpoint> {
        let known = self.endpoints.known();
        if known.iter().all(|endpoint| self.tried.contains(endpoint)) {
            self.tried.clear();
            if known.len() > 1 {
                self.tried.extend(self.last.take());
            }
        }
        let untried = known.iter().filter(|endpoint| !self.tried.contains(*endpoint));
        let next = untried.choose(&mut rand::rng())?.clone();
        self.tried.insert(next.clone());
        self.last = Some(next.clone());
        Some(next)
    }

    /// The last one is good: should it fail later, all others come first.
    pub(crate) fn arrived(&mut self) {
        self.tried.clear();
        self.tried.extend(self.last.clone());
    }

    /// The last one failed: perhaps its name stands for another address by now.
    pub(crate) fn failed(&self) {
        self.endpoints.look_again();
    }

    /// All of them in random order, the last good one first: for one question that any can answer.
    pub(crate) fn all(&self) -> Vec<Endpoint> {
        let mut all = self.endpoints.known().to_vec();
        all.shuffle(&mut rand::rng());
        all.sort_by_key(|endpoint| Some(endpoint) != self.last.as_ref());
        all
    }

    /// This one answered the question.
    pub(crate) fn answered(&mut self, endpoint: Endpoint) {
        self.last = Some(endpoint);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runtime::endpoints::{parse, system_resolver};

    use super::*;

    fn route(urls: &str) -> Route {
        let targets = parse("control_plane", &[urls.to_owned()]).unwrap();
        Route::new(
            Endpoints::new(targets, Duration::from_secs(5), system_resolver()),
            Way::unknown().unwrap(),
        )
    }

    #[test]
    fn each_is_tried_once_and_the_last_is_not_the_first_again() {
        let mut route = route("http://10.0.0.1:1,http://10.0.0.2:1,http://10.0.0.3:1");
        let mut last = None;
        for _ in 0..20 {
            let round: HashSet<_> = (0..if last.is_none() { 3 } else { 2 }).map(|_| route.next()).collect();
            assert!(!round.contains(&last), "{round:?}");
            assert_eq!(round.len(), if last.is_none() { 3 } else { 2 }, "no one twice");
            last = route.last.clone();
        }
    }

    #[test]
    fn when_a_good_one_fails_all_others_come_first() {
        let mut route = route("http://10.0.0.1:1,http://10.0.0.2:1,http://10.0.0.3:1");
        route.next();
        let good = route.next();
        route.arrived();
        let next: Vec<_> = (0..2).map(|_| route.next()).collect();
        assert!(!next.contains(&good) && next[0] != next[1], "{good:?}, {next:?}");
    }

    #[test]
    fn one_alone_is_tried_again_and_none_is_none() {
        let mut one = route("http://10.0.0.1:1");
        assert_eq!((one.next().map(|one| one.addr.port()), one.next().is_some()), (Some(1), true));
        assert_eq!(route("http://unresolved:1").next(), None);
    }

    #[test]
    fn who_answered_last_is_asked_first() {
        let mut route = route("http://10.0.0.1:1,http://10.0.0.2:1,http://10.0.0.3:1");
        for endpoint in route.all() {
            route.answered(endpoint.clone());
            assert_eq!((route.all().len(), route.all().first()), (3, Some(&endpoint)));
        }
    }
}
