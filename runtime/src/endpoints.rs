//! The addresses of a program that may run several times: a list of URLs, of which a host name may stand for many addresses.
//!
//! Names are resolved again and again, because replicas come and go; addresses as such are known at once. What is known is a
//! set that can be watched. A name that can't be resolved for a while keeps the addresses that it had: a name server
//! that is away must not take away what works. Nothing here connects to anything: whether an address is any good is
//! for whoever uses it to find out, and to say so with [`Endpoints::look_again`].

mod target;

use std::{collections::BTreeSet, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Invalid;

pub use target::{Target, parse};

/// How long a name may take to be resolved.
const LOOKUP: Duration = Duration::from_secs(10);

/// However often it is asked for, names are resolved no more often than this.
const SHORTEST_GAP: Duration = Duration::from_millis(250);

/// One address, and the name that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Where to connect.
    pub addr: SocketAddr,
    /// Host and port as configured: what is told to the other side as its name.
    pub authority: Arc<str>,
    /// Whether it is spoken to by TLS.
    pub tls: bool,
}

impl Endpoint {
    /// The host as configured, which its certificate must name. Without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host =
            self.authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        host.map_or(&*self.authority, |(host, _)| host).trim_start_matches('[').trim_end_matches(']')
    }
}

/// What is known at a time: each address once.
pub type Known = Arc<[Endpoint]>;

/// Turns a host name and a port into addresses.
pub type Resolver = Arc<dyn Fn(&str, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The shortest time between two lookups that may be configured.
const SHORTEST_REFRESH: Duration = Duration::from_millis(100);

/// Refuses a `refresh` that would be a flood of lookups; `setting` names it.
pub fn check_refresh(setting: &str, refresh: Duration) -> Result<(), Invalid> {
    if refresh < SHORTEST_REFRESH {
        return Err(Invalid::new(setting, "must be 100ms or more, for example 5s"));
    }
    Ok(())
}

/// Resolves names as the machine does.
pub fn system_resolver() -> Resolver {
    Arc::new(|host, port| {
        let host = host.to_owned();
        async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }.boxed()
    })
}

/// The addresses. Cheap to clone; all clones know the same.
#[derive(Clone)]
pub struct Endpoints(Arc<Shared>);

struct Shared {
    targets: Vec<Target>,
    refresh: Duration,
    resolver: Resolver,
    known: watch::Sender<Known>,
    wanted: Notify,
}

/// What was found out about a target.
struct Place {
    addrs: BTreeSet<SocketAddr>,
    /// Whether the last lookup failed, which is said once.
    failed: bool,
}

impl Endpoints {
    /// Knows what needs no resolving; [`Endpoints::run`] resolves the rest every `refresh`.
    pub fn new(targets: Vec<Target>, refresh: Duration, resolver: Resolver) -> Self {
        let known = known(&targets, &places(&targets));
        Self(Arc::new(Shared {
            targets,
            refresh,
            resolver,
            known: watch::Sender::new(known),
            wanted: Notify::new(),
        }))
    }

    /// The addresses that are known now; none where no name was resolved yet.
    pub fn known(&self) -> Known {
        Arc::clone(&self.0.known.borrow())
    }

    /// Follows what is known.
    pub fn watch(&self) -> watch::Receiver<Known> {
        self.0.known.subscribe()
    }

    /// Asks for the names to be resolved soon: an address turned out to be no good.
    pub fn look_again(&self) {
        self.0.wanted.notify_one();
    }

    /// Resolves all names once, for who asks one question and goes.
    pub async fn resolved(&self) -> Known {
        let mut places = places(&self.0.targets);
        self.look_up(&mut places).await;
        self.known()
    }

    /// Resolves names until `stop`. Ends at once where there are none.
    pub async fn run(self, stop: CancellationToken) {
        let mut places = places(&self.0.targets);
        if self.0.targets.iter().all(|target| target.literal().is_some()) {
            return;
        }
        let again = async {
            loop {
                self.look_up(&mut places).await;
                let gap = SHORTEST_GAP.min(self.0.refresh);
                tokio::time::sleep(gap).await;
                // Whether it was asked for or not, it is time.
                drop(tokio::time::timeout(self.0.refresh - gap, self.0.wanted.notified()).await);
            }
        };
        stop.run_until_cancelled(again).await;
    }

    /// Resolves all names at the same time, and makes known what each has become as soon as it is there.
    async fn look_up(&self, places: &mut [Place]) {
        let mut lookups: FuturesUnordered<_> = self
            .0
            .targets
            .iter()
            .enumerate()
            .filter(|(_, target)| target.literal().is_none())
            .map(|(index, target)| {
                let lookup = (self.0.resolver)(&target.host, target.port);
                async move { (index, target, tokio::time::timeout(LOOKUP, lookup).await) }
            })
            .collect();
        while let Some((index, target, found)) = lookups.next().await {
            let place = &mut places[index];
            match found {
                Ok(Ok(addrs)) if !addrs.is_empty() => {
                    place.failed = false;
                    place.addrs = addrs.into_iter().collect();
                    self.publish(places);
                }
                failed => {
                    let why = match failed {
                        Ok(Ok(_)) => "it has no address".to_owned(),
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "no answer in time".to_owned(),
                    };
                    if !std::mem::replace(&mut place.failed, true) {
                        let kept = place.addrs.len();
                        tracing::warn!(name = %target.host, why, kept, "a name can't be resolved; trying until it can");
                    }
                }
            }
        }
    }

    fn publish(&self, places: &[Place]) {
        let now = known(&self.0.targets, places);
        self.0.known.send_if_modified(|known| {
            let changed = *known != now;
            if changed {
                tracing::info!(addresses = ?now.iter().map(|endpoint| endpoint.addr).collect::<Vec<_>>(), "the known addresses changed");
                *known = now;
            }
            changed
        });
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoints").field(&self.known()).finish()
    }
}

fn places(targets: &[Target]) -> Vec<Place> {
    let place = |target: &Target| Place { addrs: target.literal().into_iter().collect(), failed: false };
    targets.iter().map(place).collect()
}

fn known(targets: &[Target], places: &[Place]) -> Known {
    let mut seen = BTreeSet::new();
    let each = targets.iter().zip(places).flat_map(|(target, place)| {
        place.addrs.iter().map(|addr| Endpoint {
            addr: *addr,
            authority: Arc::clone(&target.authority),
            tls: target.tls,
        })
    });
    each.filter(|endpoint| seen.insert(endpoint.addr)).collect()
}

#[cfg(test)]
mod tests;
