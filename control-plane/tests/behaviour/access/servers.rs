//! An agent speaks for its own servers; a stolen key for no others.

use control_plane::access::{NewKey, Scope};
use proto::{
    error::{Reason, Refusal},
    keys::v1::{RedeemTokenRequest, keys_client::KeysClient},
    provisioning::v1::{
        self as pv, connect_request::Message as Up, connect_response::Message as Down,
        provisioning_client::ProvisioningClient,
    },
};
use runtime::control_plane::Calls;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Guarded, line};
use crate::{agent::hello, stack::refusal};

/// Connects as a server; the stream lives as long as what is returned.
async fn connect(calls: &Calls, server: &str) -> Result<mpsc::Sender<pv::ConnectRequest>, Refusal> {
    let (up, requests) = mpsc::channel(4);
    up.send(pv::ConnectRequest { message: Some(Up::Hello(hello(server))) }).await.unwrap();
    let mut client = ProvisioningClient::new(calls.clone());
    let told = |status: tonic::Status| Refusal::from_status(&status);
    let mut down = client.connect(ReceiverStream::new(requests)).await.map_err(told)?.into_inner();
    let first = down.message().await.map_err(told)?.unwrap().message;
    assert!(matches!(first, Some(Down::Welcome(_))), "{first:?}");
    Ok(up)
}

fn registration(server: &str) -> pv::RegisterServerRequest {
    pv::RegisterServerRequest {
        server_id: server.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 7001,
        land_type: "demo".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_key_speaks_for_its_own_servers_alone() {
    let keys = [Scope::Agent, Scope::Operator].map(|scope| (scope, NewKey::make()));
    let lines: String = keys.iter().map(|(scope, key)| line(*scope, key)).collect();
    let guarded = Guarded::start(&lines).await;
    let agent = guarded.with_key(keys[0].1.secret()).await;
    let mut provisioning = ProvisioningClient::new(agent.clone());
    let mut tokens = KeysClient::new(agent.clone());
    let redemption = |server: &str| RedeemTokenRequest {
        token: "no.token.here".to_owned(),
        land_id: "demo:1".to_owned(),
        server_id: server.to_owned(),
        ..Default::default()
    };
    let off = |server: &str| pv::DeregisterServerRequest { server_id: server.to_owned() };

    for own in ["arena-1", "eu-7"] {
        drop(connect(&agent, own).await.unwrap());
        let redeemed = refusal(tokens.redeem_token(redemption(own)).await);
        assert_eq!(redeemed.reason, Reason::TokenInvalid, "let in, and no token");
    }
    provisioning.register_server(registration("eu-rest")).await.unwrap();
    for other in ["arena-10", "us-1", "eu", "*"] {
        for refused in [
            connect(&agent, other).await.unwrap_err(),
            refusal(provisioning.register_server(registration(other)).await),
            refusal(provisioning.deregister_server(off(other)).await),
            refusal(tokens.redeem_token(redemption(other)).await),
        ] {
            assert_eq!(refused.reason, Reason::Forbidden, "{other}: {refused:?}");
            assert!(refused.message.contains(&format!("`agent-1` may not speak for the server `{other}`")));
        }
    }
    assert!(provisioning.deregister_server(off("eu-rest")).await.unwrap().into_inner().removed);

    // An operator takes any server off the list.
    provisioning.register_server(registration("eu-rest")).await.unwrap();
    let mut operator = ProvisioningClient::new(guarded.with_key(keys[1].1.secret()).await);
    assert!(operator.deregister_server(off("eu-rest")).await.unwrap().into_inner().removed);
    guarded.stop().await;
}
