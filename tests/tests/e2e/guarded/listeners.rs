//! The gateway's doors by TLS: who is let in, who isn't, and certificates that change under open sockets.

use serde_json::json;
use tests::eventually;

use super::{Installation, authority::Authority};

#[tokio::test]
async fn who_believes_another_authority_or_shows_a_wrong_certificate_is_not_connected() {
    let mut installation = Installation::start().await;
    let (clients, internal) = installation.gateway().await;
    let (ca, dir, authority) = (installation.ca(), installation.dir(), &installation.authority);
    let good = authority.sign(dir, "good", &["backend.example"]);
    eventually("the gateway to be well", async || {
        (clients.health(&ca, None).await.unwrap() == 200).then_some(())
    })
    .await;
    assert_eq!(internal.health(&ca, Some(&good)).await.unwrap(), 200);

    let stranger = Authority::new();
    let strange_ca = stranger.write(&dir.join("strange-ca.pem"));
    clients.health(&strange_ca, None).await.unwrap_err();
    let expired = authority.sign_expired(dir, "expired", &["backend.example"]);
    let forged = stranger.sign(dir, "forged", &["backend.example"]);
    for (who, identity) in
        [("nothing", None), ("an expired one", Some(&expired)), ("a forged one", Some(&forged))]
    {
        assert!(internal.health(&ca, identity).await.is_err(), "with {who}");
    }
    assert!(!clients.speaks_plainly().await && !internal.speaks_plainly().await);
    installation.stop().await;
}

#[tokio::test]
async fn certificates_change_and_open_sockets_stay() {
    let mut installation = Installation::start().await;
    let (clients, _) = installation.gateway().await;
    let (ca, dir) = (installation.ca(), installation.dir());
    let mut socket = clients.socket(&ca, None).await.unwrap();
    socket.say(&json!({"action": "enqueue", "queueKey": "demo:2", "members": ["ann"]})).await;
    socket.hears("enqueued").await;

    let next = Authority::new();
    let next_ca = next.write(&dir.join("next-ca.pem"));
    next.sign(dir, "clients", &["127.0.0.1"]);
    eventually("the new certificate to be shown", async || clients.health(&next_ca, None).await.ok()).await;
    clients.health(&ca, None).await.unwrap_err();

    socket.say(&json!({"action": "cancel"})).await;
    socket.hears("ticket.cancelled").await;
    installation.stop().await;
}
