//! A socket that is read all the time, so that pings are answered and nothing is missed while other steps run.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use runtime::Tasks;

use super::report::Failure;
use crate::gateway::{GatewayError, Realtime};

/// What is known of a ticket or a land through its socket.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// The ticket (`ticketId`, `status`, `assignment`) or the land's state; `null` before the first message.
    pub(super) latest: Value,
    /// The latest error message; `null` where there was none.
    pub(super) error: Value,
    /// How the socket ended.
    pub(super) closed: Option<GatewayError>,
}

/// A living socket.
#[derive(Debug)]
pub(super) struct Live {
    view: watch::Receiver<View>,
    outbox: mpsc::Sender<Value>,
}

impl Live {
    /// Begins to read `socket`. It is closed when the value is dropped.
    pub(super) fn start(socket: Realtime, tasks: &Tasks) -> Self {
        let (seen, view) = watch::channel(View::default());
        let (outbox, outgoing) = mpsc::channel(16);
        let stop = tasks.stopping().clone();
        tasks.spawn("socket", async move {
            stop.run_until_cancelled(read(socket, seen, outgoing)).await;
        });
        Self { view, outbox }
    }

    /// Sends a message.
    pub(super) async fn send(&self, message: Value) -> Result<(), Failure> {
        let sent = self.outbox.send(message).await;
        sent.map_err(|_| Failure::because(format!("the connection is closed: {}", self.ending())))
    }

    /// What is known now.
    pub(super) fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Waits for a view that fits; after `within`, fails with what was there instead.
    pub(super) async fn wait(
        &self,
        within: Duration,
        expected: &str,
        fits: impl Fn(&View) -> bool,
    ) -> Result<View, Failure> {
        let mut view = self.view.clone();
        // The channel ends with the socket: what is known then stays what it is.
        let found = match timeout(within, view.wait_for(|view| fits(view))).await {
            Ok(Ok(view)) => Some(view.clone()),
            Ok(Err(_)) | Err(_) => None,
        };
        found.ok_or_else(|| {
            let view = self.view();
            let got = match (&view.closed, &view.error) {
                (Some(closed), _) => format!("the connection closed: {closed}"),
                (None, Value::Null) => view.latest.to_string(),
                (None, error) => format!("{} and the error {error}", view.latest),
            };
            Failure::new(expected, got)
        })
    }

    fn ending(&self) -> String {
        self.view()
            .closed
            .map_or_else(|| "for no reason that is known".to_owned(), |closed| closed.to_string())
    }
}

async fn read(mut socket: Realtime, seen: watch::Sender<View>, mut outgoing: mpsc::Receiver<Value>) {
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let Some(message) = message else {
                    return socket.close().await;
                };
                if let Err(error) = socket.send(&message).await {
                    return seen.send_modify(|view| view.closed = Some(error));
                }
            }
            message = socket.next() => match message {
                Ok(message) => seen.send_modify(|view| view.take(message)),
                Err(error) => return seen.send_modify(|view| view.closed = Some(error)),
            }
        }
    }
}

impl View {
    fn take(&mut self, mut message: Value) {
        let status = |name: &str, data: &Value| json!({ "ticketId": data["ticketId"], "status": name });
        match message["type"].as_str().unwrap_or_default() {
            "state" => self.latest = message,
            "enqueued" => self.latest = message["data"].take(),
            "match.assigned" => {
                let mut data = message["data"].take();
                data["status"] = "assigned".into();
                self.latest = data;
            }
            "ticket.cancelled" => self.latest = status("cancelled", &message["data"]),
            "ticket.expired" => self.latest = status("expired", &message["data"]),
            "error" => self.error = message,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_what_is_known() {
        let mut view = View::default();
        view.take(json!({"type": "enqueued", "v": 1, "data": {"ticketId": "t", "status": "queued"}}));
        assert_eq!(view.latest, json!({"ticketId": "t", "status": "queued"}));
        view.take(json!({"type": "queue.update", "v": 1, "data": {"ticketId": "t", "position": 1}}));
        view.take(json!({"type": "error", "message": "m", "code": "C"}));
        view.take(json!({"type": "match.assigned", "v": 1, "data": {"ticketId": "t", "assignment": {"landId": "l"}}}));
        assert_eq!(
            view.latest,
            json!({"ticketId": "t", "status": "assigned", "assignment": {"landId": "l"}})
        );
        assert_eq!(view.error["code"], "C");
        view.take(json!({"type": "ticket.expired", "v": 1, "data": {"ticketId": "t"}}));
        assert_eq!(view.latest["status"], "expired");
    }
}
