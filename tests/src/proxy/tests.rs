//! The faults, on streams of a few bytes.

use std::io::ErrorKind;

use tokio_util::sync::DropGuard;

use super::*;
use crate::PATIENCE;

/// Sends everything back.
async fn echo() -> (Proxy, DropGuard) {
    let tasks = Tasks::new(CancellationToken::new());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), &tasks).await.unwrap();
    let spawner = tasks.clone();
    tasks.spawn("echo", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            spawner.spawn("echoed connection", async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
            });
        }
    });
    (proxy, tasks.stopping().clone().drop_guard())
}

async fn open(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).await.unwrap()
}

async fn hears(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, expected);
}

async fn said_and_heard(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    hears(stream, bytes).await;
}

/// Everything until the reset.
async fn until_reset(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    heard
}

/// Nothing comes for a moment.
async fn is_quiet(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn what_is_whole_passes_and_its_end_behind_it() {
    let (proxy, _stop) = echo().await;
    let mut stream = open(&proxy).await;
    let large = vec![7; 300_000];
    said_and_heard(&mut stream, &large).await;
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(proxy.felt(), 0);
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_what_comes() {
    let (proxy, _stop) = echo().await;
    let mut stream = open(&proxy).await;
    said_and_heard(&mut stream, b"a").await;
    proxy.hurt(Fault::Cut);
    until_reset(&mut stream).await;
    let mut another = open(&proxy).await;
    assert!(another.read(&mut [0]).await.is_err());
    proxy.heal();
    said_and_heard(&mut open(&proxy).await, b"b").await;
}

#[tokio::test]
async fn a_stall_holds_everything_back_until_it_ends() {
    let (proxy, _stop) = echo().await;
    let mut before = open(&proxy).await;
    said_and_heard(&mut before, b"a").await;
    proxy.hurt(Fault::Stall);
    let mut after = open(&proxy).await;
    for stream in [&mut before, &mut after] {
        stream.write_all(b"held").await.unwrap();
        assert!(is_quiet(stream).await);
    }
    proxy.heal();
    hears(&mut before, b"held").await;
    hears(&mut after, b"held").await;
}

#[tokio::test]
async fn a_delay_comes_before_every_byte_and_changes_no_order() {
    let (proxy, _stop) = echo().await;
    let mut stream = open(&proxy).await;
    said_and_heard(&mut stream, b"a").await;
    proxy.hurt(Fault::Delay(Duration::from_millis(60)));
    let begun = Instant::now();
    said_and_heard(&mut stream, b"one").await;
    assert!(begun.elapsed() >= Duration::from_millis(120), "there and back: {:?}", begun.elapsed());
    stream.write_all(b"two").await.unwrap();
    proxy.heal();
    stream.write_all(b"three").await.unwrap();
    hears(&mut stream, b"twothree").await;
}

#[tokio::test]
async fn a_throttle_lets_so_much_through_a_second() {
    let (proxy, _stop) = echo().await;
    let mut stream = open(&proxy).await;
    proxy.hurt(Fault::Throttle(2_000));
    let begun = Instant::now();
    said_and_heard(&mut stream, &[7; 400]).await;
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_truncation_resets_after_so_many_bytes() {
    let (proxy, _stop) = echo().await;
    let mut stream = open(&proxy).await;
    said_and_heard(&mut stream, b"before").await;
    proxy.hurt(Fault::Truncate(5));
    stream.write_all(b"after the fault").await.unwrap();
    let heard = until_reset(&mut stream).await;
    assert!(b"after".starts_with(heard.as_slice()), "{heard:?}");
    let mut another = open(&proxy).await;
    another.write_all(b"and again").await.unwrap();
    let heard = until_reset(&mut another).await;
    assert!(b"and a".starts_with(heard.as_slice()), "{heard:?}");
}

#[tokio::test]
async fn what_an_older_connection_holds_arrives_after_what_a_later_one_brought() {
    let (proxy, _stop) = echo().await;
    let mut older = open(&proxy).await;
    said_and_heard(&mut older, b"a").await;
    proxy.hurt(Fault::HoldOpen);
    older.write_all(b"older").await.unwrap();
    let mut later = open(&proxy).await;
    said_and_heard(&mut later, b"later").await;
    assert!(is_quiet(&mut older).await);
    // It is held even where its sender has left.
    older.shutdown().await.unwrap();
    proxy.heal();
    hears(&mut older, b"older").await;
    assert!(proxy.felt() > 0);
}
