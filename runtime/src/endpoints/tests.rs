//! What is known when, with a name server that the test plays.

use parking_lot::Mutex;

use super::*;

/// What `cp` resolves to; `None`: the name server is away.
type Answer = Arc<Mutex<Option<Vec<SocketAddr>>>>;

fn resolver(answer: &Answer) -> Resolver {
    let answer = Arc::clone(answer);
    Arc::new(move |host, port| {
        assert_eq!((host, port), ("cp", 3001), "addresses as such are not resolved");
        let answer = answer.lock().clone().ok_or_else(|| io::Error::other("away"));
        std::future::ready(answer).boxed()
    })
}

fn addr(last: u8) -> SocketAddr {
    ([10, 0, 0, last], 3001).into()
}

fn start(urls: &str, answer: &Answer) -> (Endpoints, watch::Receiver<Known>, tokio_util::sync::DropGuard) {
    let targets = parse("control_plane", &[urls.to_owned()]).unwrap();
    let endpoints = Endpoints::new(targets, Duration::from_secs(5), resolver(answer));
    let stop = CancellationToken::new();
    let known = endpoints.watch();
    tokio::spawn(endpoints.clone().run(stop.clone()));
    (endpoints, known, stop.drop_guard())
}

async fn next(known: &mut watch::Receiver<Known>) -> Vec<SocketAddr> {
    known.changed().await.unwrap();
    known.borrow_and_update().iter().map(|endpoint| endpoint.addr).collect()
}

#[tokio::test(start_paused = true)]
async fn names_are_followed_and_addresses_stay() {
    let answer = Answer::default();
    let (endpoints, mut known, _stop) = start("http://cp:3001,http://10.0.0.9:3001", &answer);
    assert_eq!(endpoints.known().len(), 1, "an address is known at once");
    *answer.lock() = Some(vec![addr(2), addr(1), addr(9)]);
    assert_eq!(next(&mut known).await, [addr(1), addr(2), addr(9)], "each once, in an order that stays");
    *answer.lock() = Some(vec![addr(3)]);
    assert_eq!(next(&mut known).await, [addr(3), addr(9)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_is_away_takes_nothing_away() {
    let answer = Arc::new(Mutex::new(Some(vec![addr(1)])));
    let (endpoints, mut known, _stop) = start("http://cp:3001", &answer);
    assert_eq!(next(&mut known).await, [addr(1)]);
    for nothing in [None, Some(Vec::new())] {
        *answer.lock() = nothing;
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(endpoints.known()[0].addr, addr(1));
    }
    *answer.lock() = Some(vec![addr(2)]);
    assert_eq!(next(&mut known).await, [addr(2)]);
}

#[tokio::test(start_paused = true)]
async fn whoever_meets_a_dead_address_is_helped_soon() {
    let answer = Arc::new(Mutex::new(Some(vec![addr(1)])));
    let (endpoints, mut known, _stop) = start("http://cp:3001", &answer);
    assert_eq!(next(&mut known).await, [addr(1)]);
    *answer.lock() = Some(vec![addr(2)]);
    let asked_at = tokio::time::Instant::now();
    endpoints.look_again();
    assert_eq!(next(&mut known).await, [addr(2)]);
    assert!(asked_at.elapsed() <= SHORTEST_GAP, "{:?}", asked_at.elapsed());
}

#[tokio::test]
async fn the_machine_resolves_names() {
    let targets = parse("control_plane", &["http://localhost:3001".to_owned()]).unwrap();
    let endpoints = Endpoints::new(targets, Duration::from_secs(5), system_resolver());
    assert!(endpoints.known().is_empty());
    let mut known = endpoints.watch();
    let stop = CancellationToken::new();
    tokio::spawn(endpoints.run(stop.clone()));
    let found = next(&mut known).await;
    assert!(!found.is_empty() && found.iter().all(|addr| addr.ip().is_loopback()), "{found:?}");
    stop.cancel();
}
