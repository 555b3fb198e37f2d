//! What tools expect of every gRPC server: health and reflection.

use crate::stack::{PATIENCE, Stack};

/// What the contract names.
const SERVICES: [&str; 3] =
    ["muster.matchmaking.v1.Matchmaking", "muster.provisioning.v1.Provisioning", "muster.keys.v1.Keys"];

#[tokio::test]
async fn health_is_served_for_every_service() {
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    };
    let stack = Stack::start().await;
    for service in [&[""][..], &SERVICES].concat() {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(stack.channel.clone()).check(request).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn health_says_that_the_end_is_near() {
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    };
    let stack = Stack::start().await;
    let mut watches = Vec::new();
    for service in [&[""][..], &SERVICES].concat() {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut watch = HealthClient::new(stack.channel.clone()).watch(request).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        watches.push((service, watch));
    }
    let stopping = tokio::spawn(stack.stop());
    for (service, mut watch) in watches {
        let news = tokio::time::timeout(PATIENCE, watch.message()).await.unwrap().unwrap();
        assert_eq!(news.map(|news| news.status()), Some(ServingStatus::NotServing), "{service}");
    }
    stopping.await.unwrap();
}

#[tokio::test]
async fn reflection_names_every_service() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let stack = Stack::start().await;
    let list = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut client = ServerReflectionClient::new(stack.channel.clone());
    let requests = tokio_stream::once(request);
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(SERVICES.iter().all(|service| names.contains(service)), "{names:?}");
    stack.stop().await;
}
