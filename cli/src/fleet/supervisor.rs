//! Starts a fleet in its order, keeps it running, and stops it so that nobody misses anybody.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use anyhow::{Context as _, bail};
use runtime::Tasks;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Config,
    child::Child,
    look::{Looker, State},
    plan::{Kind, Plan, Spec},
    players::Players,
    redis,
    screen::{Screen, overview, suggestions},
};
use crate::{demo_server, gateway::Gateway};

/// How long everybody may take to find each other.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a program may take to end when it is asked to.
const STOP_WITHIN: Duration = Duration::from_secs(6);
/// How often it is looked whether all live.
const LOOK_AFTER: Duration = Duration::from_millis(200);
/// How often it is said how it goes.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// The fleet.
pub(super) struct Supervisor {
    children: Vec<Child>,
    /// `None`: what dies stays dead.
    restart_after: Option<Duration>,
    screen: Screen,
    /// Those of the players.
    tasks: Tasks,
}

impl Supervisor {
    pub(super) fn new(config: &Config, plan: Plan) -> Self {
        let child = |spec: Spec| {
            let log = plan.logs.join(format!("{}.log", spec.name));
            Child::new(spec, log)
        };
        Self {
            children: plan.specs.into_iter().map(child).collect(),
            restart_after: (!config.no_restart).then_some(config.restart_after),
            screen: Screen::new(),
            tasks: Tasks::new(CancellationToken::new()),
        }
    }

    /// Runs until `stop`. Fails where it can't be brought up.
    pub(super) async fn run(&mut self, config: &Config, stop: &CancellationToken) -> anyhow::Result<()> {
        match stop.run_until_cancelled(timeout(READY_WITHIN, self.bring_up())).await {
            None => return Ok(()),
            Some(Ok(ready)) => ready?,
            Some(Err(_)) => bail!("not ready within {READY_WITHIN:?}: {}", self.unready().await),
        }
        self.screen.line(&overview(&self.children));
        self.screen.line(&suggestions(&self.children, self.restart_after.is_some()));
        let players = if config.rate > 0.0 {
            let gateways = self.urls(Kind::Gateway);
            Some(Players::start(config, &gateways, &self.tasks)?)
        } else {
            None
        };
        stop.run_until_cancelled(self.look_after(players)).await.unwrap_or(Ok(()))
    }

    /// Asks everybody to end, those first whom the others don't need, and ends who doesn't.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.screen.finish();
        let players = self.tasks.join(STOP_WITHIN).await;
        for kinds in [
            &[Kind::Gateway][..],
            &[Kind::Agent],
            &[Kind::Server],
            &[Kind::Api, Kind::Worker],
            &[Kind::Redis],
        ] {
            let group = || kinds.iter();
            let mut ending: Vec<_> = self
                .children
                .iter_mut()
                .filter(|child| group().any(|kind| *kind == child.spec.kind))
                .collect();
            for child in &ending {
                child.ask_to_end();
            }
            let by = Instant::now() + STOP_WITHIN;
            for child in &mut ending {
                if !child.end_within(by.saturating_duration_since(Instant::now())).await {
                    self.screen.event(&format!("{} had to be killed", child.spec.name));
                }
            }
        }
        players.map_err(Into::into)
    }

    /// Redis first, which control planes need to start; the others find each other.
    async fn bring_up(&mut self) -> anyhow::Result<()> {
        for index in 0..self.children.len() {
            self.children[index].start()?;
            while self.children[index].spec.kind == Kind::Redis
                && !redis::answers(self.children[index].spec.addr, REPORT_EVERY).await
            {
                self.nobody_died()?;
                sleep(LOOK_AFTER).await;
            }
        }
        while !self.unready().await.is_empty() {
            self.nobody_died()?;
            sleep(LOOK_AFTER).await;
        }
        Ok(())
    }

    /// Who isn't ready for players yet, for people; empty once all are.
    async fn unready(&self) -> String {
        for child in &self.children {
            let ready = match child.spec.kind {
                Kind::Gateway => match Gateway::new(&format!("http://{}", child.spec.addr)) {
                    Ok(gateway) => gateway.health().await.is_ok(),
                    Err(_) => false,
                },
                Kind::Agent => {
                    demo_server::agent_state(child.spec.addr).await.as_deref() == Some("registered")
                }
                Kind::Redis | Kind::Api | Kind::Worker | Kind::Server => {
                    tokio::net::TcpStream::connect(child.spec.addr).await.is_ok()
                }
            };
            if !ready {
                return format!("{} is not ready", child.spec.name);
            }
        }
        String::new()
    }

    fn nobody_died(&mut self) -> anyhow::Result<()> {
        for child in &mut self.children {
            if let Some(ended) = child.ended() {
                bail!("{} {} at its start:\n{}", child.spec.name, how(ended), child.last_words());
            }
        }
        Ok(())
    }

    async fn look_after(&mut self, players: Option<Players>) -> anyhow::Result<()> {
        let mut looker = Looker::new().context("a client for the programs' metrics")?;
        let mut tick = interval(LOOK_AFTER);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut report_at = Instant::now();
        let mut silent = vec![false; self.children.len()];
        loop {
            tick.tick().await;
            self.reap();
            self.restart()?;
            if Instant::now() < report_at {
                continue;
            }
            report_at = Instant::now() + REPORT_EVERY;
            let view = looker.look(&self.children).await;
            for (index, row) in view.rows.iter().enumerate() {
                let is_back = row.state == State::Up && std::mem::take(&mut silent[index]);
                if is_back {
                    self.screen.event(&format!("{} answers", self.children[index].spec.name));
                }
                silent[index] |= row.state != State::Up;
            }
            let players = players.as_ref().map(Players::report);
            self.screen.state(&self.children, &view, players.as_ref());
        }
    }

    /// Says who died.
    fn reap(&mut self) {
        for child in &mut self.children {
            let pid = child.pid();
            let Some(ended) = child.ended() else { continue };
            child.restart_at = self.restart_after.map(|after| Instant::now() + after);
            let again = self.restart_after.map_or_else(String::new, |after| format!("; again in {after:?}"));
            let pid = pid.map_or_else(String::new, |pid| format!(" ({pid})"));
            self.screen.event(&format!("{}{pid} {}{again}", child.spec.name, how(ended)));
            // Who was killed has no last words that would say why.
            if ended.signal().is_none() {
                self.screen.line(&child.last_words());
            }
        }
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        for child in &mut self.children {
            if child.restart_at.is_some_and(|at| at <= Instant::now()) {
                child.start()?;
                let pid = child.pid().unwrap_or_default();
                self.screen.event(&format!("{} is started again ({pid})", child.spec.name));
            }
        }
        Ok(())
    }

    fn urls(&self, kind: Kind) -> Vec<String> {
        let of_kind = self.children.iter().filter(|child| child.spec.kind == kind);
        of_kind.map(|child| format!("http://{}", child.spec.addr)).collect()
    }
}

/// How a process ended, for people.
fn how(ended: ExitStatus) -> String {
    match (ended.signal(), ended.code()) {
        (Some(9), _) => "was killed".to_owned(),
        (Some(signal), _) => format!("was ended by signal {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}
