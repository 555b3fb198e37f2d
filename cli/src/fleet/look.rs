//! Looks at a running fleet: who answers, and what the programs' own metrics and lists say.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use proto::matchmaking::v1::{ListQueuesRequest, matchmaking_client::MatchmakingClient};
use tokio::time::{Instant, timeout};
use tonic::transport::Endpoint;

use super::{
    child::Child,
    plan::{Kind, Spec},
    redis,
};

/// How long a program may take to answer before it counts as silent.
const PATIENCE: Duration = Duration::from_millis(700);

/// What counts up, per kind: what is shown of it is its growth in a second.
const MATCHES: &str = "control_plane_matches_total";
const ENQUEUES: &str = "control_plane_enqueues_total";
const PUSHES: &str = "gateway_pushes_total";

/// How one program is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Up,
    /// The process is there and doesn't answer: it starts, or is paused.
    Silent,
    Down,
}

/// One program at one moment.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) state: State,
    /// What it does, for people.
    pub(super) doing: String,
}

/// The fleet at one moment.
#[derive(Debug, Default)]
pub(super) struct View {
    /// One for each program, in their order.
    pub(super) rows: Vec<Row>,
    /// `None` where nobody could be asked.
    pub(super) queued: Option<u32>,
    pub(super) matches: u64,
    pub(super) matches_per_second: f64,
    pub(super) servers: u64,
    pub(super) lands: u64,
}

/// Looks, and remembers the last look.
pub(super) struct Looker {
    http: reqwest::Client,
    /// What each counter of each program was last.
    counted: HashMap<(String, &'static str), f64>,
    looked_at: Instant,
    matches: f64,
}

impl Looker {
    pub(super) fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { http, counted: HashMap::new(), looked_at: Instant::now(), matches: 0.0 })
    }

    /// Asks everybody at the same time.
    pub(super) async fn look(&mut self, children: &[Child]) -> View {
        let pages = join_all(children.iter().map(|child| self.page(child)));
        let apis = children.iter().filter(|child| child.spec.kind == Kind::Api).map(|child| &child.spec);
        let (pages, queued) = tokio::join!(pages, queued(apis));
        let seconds = self.looked_at.elapsed().as_secs_f64().max(0.001);
        self.looked_at = Instant::now();
        let mut view = View { queued, ..View::default() };
        let matches_before = self.matches;
        for (child, page) in children.iter().zip(pages) {
            let row = self.row(child, page.as_deref(), seconds, &mut view);
            view.rows.push(row);
        }
        view.matches = self.matches as u64;
        view.matches_per_second = (self.matches - matches_before) / seconds;
        view
    }

    /// What a program says of itself; `None` where it is silent.
    async fn page(&self, child: &Child) -> Option<String> {
        child.pid()?;
        let Some(metrics) = child.spec.metrics else {
            let answers = match child.spec.kind {
                Kind::Redis => redis::answers(child.spec.addr, PATIENCE).await,
                // It has nothing to ask but its players' door.
                _ => matches!(
                    timeout(PATIENCE, tokio::net::TcpStream::connect(child.spec.addr)).await,
                    Ok(Ok(_))
                ),
            };
            return answers.then(String::new);
        };
        let answer = self.http.get(format!("http://{metrics}/metrics")).send().await.ok()?;
        answer.text().await.ok()
    }

    fn row(&mut self, child: &Child, page: Option<&str>, seconds: f64, view: &mut View) -> Row {
        let Some(page) = page else {
            let state = if child.pid().is_some() { State::Silent } else { State::Down };
            let left = child.restart_at.map(|at| at.saturating_duration_since(Instant::now()).as_secs() + 1);
            let doing = left.map_or_else(String::new, |left| format!("again in {left} s"));
            return Row { state, doing };
        };
        let name = &child.spec.name;
        let doing = match child.spec.kind {
            Kind::Worker => {
                let made = self.growth(name, MATCHES, page);
                self.matches += made;
                format!("{:.1} matches/s", made / seconds)
            }
            Kind::Api => format!("{:.1} enqueues/s", self.growth(name, ENQUEUES, page) / seconds),
            Kind::Gateway => {
                let pushes = self.growth(name, PUSHES, page) / seconds;
                format!("{:.0} sockets, {pushes:.1} pushes/s", sum(page, "gateway_sockets"))
            }
            Kind::Agent => {
                let (registered, lands) = (sum(page, "agent_registered"), sum(page, "agent_lands"));
                view.servers += registered as u64;
                view.lands += lands as u64;
                format!(
                    "{}, {lands:.0} lands",
                    if registered > 0.0 { "registered" } else { "not registered" }
                )
            }
            Kind::Redis | Kind::Server => String::new(),
        };
        Row { state: State::Up, doing }
    }

    /// By how much a counter grew since the last look. One that is smaller began anew, with its process.
    fn growth(&mut self, program: &str, counter: &'static str, page: &str) -> f64 {
        let now = sum(page, counter);
        let before = self.counted.insert((program.to_owned(), counter), now).unwrap_or_default();
        if now >= before { now - before } else { now }
    }
}

/// The sum of a metric over all its labels.
fn sum(page: &str, metric: &str) -> f64 {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        let value = if rest.starts_with('{') { rest.rsplit_once('}')?.1 } else { rest };
        // What begins the same and goes on is another metric.
        value.starts_with(' ').then(|| value.trim().parse::<f64>().ok())?
    });
    values.sum()
}

/// How many tickets wait in all queues, as the first api says that can.
async fn queued<'a>(apis: impl Iterator<Item = &'a Spec>) -> Option<u32> {
    for api in apis {
        let ask = async {
            let channel = Endpoint::from_shared(format!("http://{}", api.addr)).ok()?.connect().await.ok()?;
            let listed = MatchmakingClient::new(channel).list_queues(ListQueuesRequest {}).await.ok()?;
            Some(listed.into_inner().queues.iter().map(|queue| queue.queued_tickets).sum())
        };
        if let Ok(Some(queued)) = timeout(PATIENCE, ask).await {
            return Some(queued);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_sum_of_its_labels_and_of_no_other() {
        let page = "# TYPE gateway_sockets gauge\ngateway_sockets 7\ngateway_sockets_closed 100\n\
                    enqueues_total{outcome=\"OK\"} 3\nenqueues_total{outcome=\"QUEUE_FULL\"} 2\n";
        assert!((sum(page, "gateway_sockets") - 7.0).abs() < f64::EPSILON);
        assert!((sum(page, "enqueues_total") - 5.0).abs() < f64::EPSILON);
        assert!(sum(page, "none").abs() < f64::EPSILON);
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_there() {
        let mut looker = Looker::new().unwrap();
        let grown: Vec<_> = ["m 5", "m 9", "m 2"].map(|page| looker.growth("worker-1", "m", page)).into();
        assert_eq!(grown, [5.0, 4.0, 2.0]);
    }
}
