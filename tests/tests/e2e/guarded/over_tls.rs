//! A client of the gateway that speaks TLS, with as little between it and the wire as possible.

use std::{io, net::SocketAddr, path::Path};

use futures_util::{SinkExt as _, StreamExt as _};
use runtime::{
    files::{Named, Watched},
    tls::{ClientFiles, ClientTls},
};
use serde_json::Value;
use tests::PATIENCE;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::authority::Pair;

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// One of the gateway's listeners.
pub(super) struct Door(SocketAddr);

/// A socket that is open.
pub(super) struct Socket(WebSocketStream<Box<dyn Wire>>);

impl Door {
    pub(super) fn at(addr: SocketAddr) -> Self {
        Self(addr)
    }

    /// A connection, for who believes `ca` and shows `identity`.
    async fn connect(&self, ca: &Path, identity: Option<&Pair>) -> io::Result<Box<dyn Wire>> {
        let files = ClientFiles {
            authority: Some(Named::new("ca", ca)),
            identity: identity
                .map(|pair| (Named::new("certificate", &pair.certificate), Named::new("key", &pair.key))),
        };
        let watched = Watched::open(files.all()).unwrap();
        let tls = ClientTls::new(&files, watched.contents(), "http/1.1").unwrap();
        let stream = TcpStream::connect(self.0).await?;
        let stream = timeout(PATIENCE, tls.connect(&self.0.ip().to_string(), stream)).await.unwrap()?;
        Ok(Box::new(stream))
    }

    pub(super) async fn socket(&self, ca: &Path, identity: Option<&Pair>) -> io::Result<Socket> {
        let wire = self.connect(ca, identity).await?;
        let opened =
            timeout(PATIENCE, client_async(format!("ws://{}/realtime", self.0), wire)).await.unwrap();
        Ok(Socket(opened.map_err(io::Error::other)?.0))
    }

    /// The status of an answer, and its body.
    pub(super) async fn post(
        &self,
        ca: &Path,
        identity: Option<&Pair>,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> io::Result<(u16, String)> {
        let body = body.to_string();
        let authorization = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             {authorization}connection: close\r\n\r\n",
            self.0
        );
        self.ask(ca, identity, &format!("{head}{body}")).await
    }

    pub(super) async fn health(&self, ca: &Path, identity: Option<&Pair>) -> io::Result<u16> {
        let request = format!("GET /health HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.0);
        self.ask(ca, identity, &request).await.map(|(status, _)| status)
    }

    async fn ask(&self, ca: &Path, identity: Option<&Pair>, request: &str) -> io::Result<(u16, String)> {
        let mut wire = self.connect(ca, identity).await?;
        wire.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Where a certificate is refused, TLS 1.3 says so with the first byte that is read.
        timeout(PATIENCE, wire.read_to_end(&mut answer)).await.unwrap()?;
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.map(|status| (status, answer)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether it speaks without TLS.
    pub(super) async fn speaks_plainly(&self) -> bool {
        let mut wire = TcpStream::connect(self.0).await.unwrap();
        let asked = async {
            wire.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
            let mut answer = Vec::new();
            wire.read_to_end(&mut answer).await.map(|_| answer)
        };
        timeout(PATIENCE, asked).await.unwrap().is_ok_and(|answer| answer.starts_with(b"HTTP/"))
    }
}

impl Socket {
    pub(super) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message of this type; others before it are passed over.
    pub(super) async fn hears(&mut self, wanted: &str) -> Value {
        let next = async {
            loop {
                let Message::Text(text) = self.0.next().await.unwrap().unwrap() else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                assert_ne!(message["type"], "error", "{message}");
                if message["type"] == wanted {
                    return message;
                }
            }
        };
        timeout(PATIENCE, next).await.unwrap()
    }
}
