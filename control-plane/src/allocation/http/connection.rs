//! Requests over connections that are kept while they are of use. HTTP/1.1, because every service speaks it.
//!
//! Nobody's task: a connection is driven by who uses it, and rests undriven in between. Redirects aren't followed: an address
//! that moved is told to the operator, who knows whether to believe the new one.

use std::{
    fmt,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use http_body::Body as _;
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Buf as _, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use crate::allocation::outside::{Dial, Failure, Kind, Then};

/// The largest answer, in bytes; its head may have as many. A land needs some hundred.
const LARGEST: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;
/// How long a connection rests before it is closed: less than servers are used to wait.
const LONGEST_REST: Duration = Duration::from_secs(4);
/// How long a connection is used: then names are resolved and certificates looked at anew.
const LONGEST_LIFE: Duration = Duration::from_secs(60);
/// How long it may take until a connection is ready for the next request when its answer has been read.
const SETTLING: Duration = Duration::from_millis(50);

/// The connections to one service. As many are kept as rest at once, which is no more than calls were under way.
pub(super) struct Connections {
    dial: Dial,
    resting: Mutex<Vec<Connection>>,
}

struct Connection {
    sender: SendRequest<String>,
    /// Ends with the connection.
    driver: BoxFuture<'static, hyper::Result<()>>,
    born: Instant,
    rests_since: Instant,
}

/// What a service answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Connections {
    pub(super) fn new(dial: Dial) -> Self {
        Self { dial, resting: Mutex::default() }
    }

    pub(super) fn dial(&self) -> &Dial {
        &self.dial
    }

    /// Sends the request and reads its answer. How long it may take is the caller's to say.
    pub(super) async fn exchange(&self, mut request: Request<String>) -> Result<Answer, Failure> {
        // Whoever rested may have been left by the other side; who is new has not.
        while let Some(connection) = self.rested() {
            match connection.exchange(request).await {
                Ok((answer, connection)) => return Ok(self.keep(answer, connection)),
                Err(Unsent::Failed(failure)) => return Err(failure),
                Err(Unsent::Back(unsent)) => request = *unsent,
            }
        }
        let connection = self.open().await?;
        match connection.exchange(request).await {
            Ok((answer, connection)) => Ok(self.keep(answer, connection)),
            Err(Unsent::Failed(failure)) => Err(failure),
            Err(Unsent::Back(_)) => {
                Err(Failure::nothing(Kind::Broken, Then::Again, "hung up before its answer"))
            }
        }
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let unreachable = |error: &dyn fmt::Display| {
            Failure::nothing(Kind::Unreachable, Then::Again, "can't be reached").because(error)
        };
        let stream = self.dial.dial().await.map_err(|error| unreachable(&error))?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LARGEST).max_header_size(LARGEST).max_headers(MOST_HEADERS);
        let (sender, driver) = builder.handshake(stream).await.map_err(|error| unreachable(&error))?;
        let now = Instant::now();
        Ok(Connection { sender, driver: driver.boxed(), born: now, rests_since: now })
    }

    /// The one that rested last.
    fn rested(&self) -> Option<Connection> {
        let now = Instant::now();
        let mut resting = self.resting.lock();
        resting.retain(|connection| {
            now - connection.rests_since < LONGEST_REST && now - connection.born < LONGEST_LIFE
        });
        resting.pop()
    }

    fn keep(&self, answer: Answer, connection: Option<Connection>) -> Answer {
        self.resting.lock().extend(connection);
        answer
    }
}

/// Why there is no answer.
enum Unsent {
    Failed(Failure),
    /// Nothing of the request was sent.
    Back(Box<Request<String>>),
}

impl Connection {
    /// Gives itself back where it can be used again.
    async fn exchange(mut self, request: Request<String>) -> Result<(Answer, Option<Self>), Unsent> {
        let answer = {
            let mut read = pin!(read(&mut self.sender, request));
            tokio::select! {
                answer = read.as_mut() => answer,
                // What it delivered may not all have been read.
                _ended = &mut self.driver => read.await,
            }
        }?;
        let ready = async {
            tokio::select! {
                ready = self.sender.ready() => ready.is_ok(),
                _ended = &mut self.driver => false,
            }
        };
        let again = timeout(SETTLING, ready).await.unwrap_or(false);
        self.rests_since = Instant::now();
        Ok((answer, again.then_some(self)))
    }
}

async fn read(sender: &mut SendRequest<String>, request: Request<String>) -> Result<Answer, Unsent> {
    let sent = match sender.ready().await {
        Ok(()) => sender.try_send_request(request).await,
        Err(_) => return Err(Unsent::Back(Box::new(request))),
    };
    let answer = match sent {
        Ok(answer) => answer,
        Err(mut error) => {
            if let Some(request) = error.take_message() {
                return Err(Unsent::Back(Box::new(request)));
            }
            return Err(Unsent::Failed(broken(&error.into_error())));
        }
    };
    let (head, body) = answer.into_parts();
    let body = whole(body).await.map_err(Unsent::Failed)?;
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// The body, if it is no larger than it may be.
async fn whole(mut body: Incoming) -> Result<Vec<u8>, Failure> {
    let too_large = || {
        let failure =
            Failure::unclear(Kind::BadAnswer, format!("gave an answer of more than {LARGEST} bytes"));
        Err(Failure { then: Then::Wait, ..failure })
    };
    if body.size_hint().lower() > LARGEST as u64 {
        return too_large();
    }
    let mut all = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| broken(&error))?;
        // Trailers are nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.remaining() > LARGEST {
            return too_large();
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

fn broken(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        let failure = Failure::unclear(Kind::BadAnswer, "gave an answer that is no HTTP").because(error);
        return Failure { then: Then::Wait, ..failure };
    }
    Failure::unclear(Kind::Broken, "hung up before its answer").because(error)
}

impl Answer {
    /// How long the service wants to be left alone, where it says so.
    pub(super) fn retry_after(&self, now: jiff::Timestamp) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("resting", &self.resting.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Fri, 02 Jan 2026 03:04:35 GMT", Some(30)),
            ("Fri, 02 Jan 2026 03:04:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(text))]);
            let answer = Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new() };
            assert_eq!(answer.retry_after(now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
