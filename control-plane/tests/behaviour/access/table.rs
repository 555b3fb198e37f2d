//! The table of calls and scopes, held against what is served.

use std::collections::BTreeSet;

use control_plane::access::{NewKey, Row, Scope, TABLE};
use futures_util::stream;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use proto::error::{Reason, Refusal};
use runtime::control_plane::Calls;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
};
use tonic_prost::ProstCodec;

use super::{Guarded, line};
use crate::stack::PATIENCE;

/// Every call that is served, and whether its answer is a stream: from the descriptions that reflection tells.
fn served() -> BTreeSet<(String, bool)> {
    let sets = [
        proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let files = sets.into_iter().flat_map(|set| FileDescriptorSet::decode(set).unwrap().file);
    files
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().flat_map(move |service| {
                let service_name = format!("{package}.{}", service.name());
                let methods = service.method.into_iter();
                methods.map(move |method| {
                    (format!("/{service_name}/{}", method.name()), method.server_streaming())
                })
            })
        })
        .collect()
}

#[test]
fn every_call_that_is_served_has_its_row_and_no_other_has() {
    let rows: BTreeSet<_> = TABLE.iter().map(|row| (row.method.to_owned(), row.streams)).collect();
    assert_eq!(rows.len(), TABLE.len(), "a call has two rows");
    assert_eq!(rows, served(), "on the left the rows, on the right what is served");
}

/// Calls anything with an empty message.
async fn call(calls: Calls, method: &'static str, authorization: Option<&str>) -> Result<(), Status> {
    let mut client = Grpc::new(calls);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let mut request = Request::new(stream::iter([()]));
    if let Some(value) = authorization {
        let value: MetadataValue<Ascii> = value.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let path = tonic::codegen::http::uri::PathAndQuery::from_static(method);
    let codec = ProstCodec::<(), ()>::default();
    let row = TABLE.iter().find(|row| row.method == method);
    if row.is_some_and(|row| row.streams) {
        client.streaming(request, path, codec).await.map(drop)
    } else {
        let (metadata, extensions, _) = request.into_parts();
        client.unary(Request::from_parts(metadata, extensions, ()), path, codec).await.map(drop)
    }
}

/// `None`: it was let in, whatever came of it then.
fn refused(answer: &Result<(), Status>) -> Option<Reason> {
    let refusal = Refusal::from_status(answer.as_ref().err()?);
    Some(refusal.reason).filter(|reason| matches!(reason, Reason::Unauthenticated | Reason::Forbidden))
}

#[tokio::test]
async fn each_call_lets_in_whom_the_table_names_and_nobody_else() {
    let keys = Scope::ALL.map(|scope| (scope, NewKey::make()));
    let lines: String = keys.iter().map(|(scope, key)| line(*scope, key)).collect();
    let guarded = Guarded::start(&lines).await;
    let calls = guarded.without_key().await;
    let bad = [None, Some("Bearer garbage"), Some("Basic dTpw"), Some("Bearer")];
    for Row { method, scopes, .. } in TABLE {
        for authorization in bad {
            let answer =
                tokio::time::timeout(PATIENCE, call(calls.clone(), method, authorization)).await.unwrap();
            let expected = scopes.map(|_| Reason::Unauthenticated);
            assert_eq!(refused(&answer), expected, "{method} with {authorization:?}: {answer:?}");
        }
        for (scope, key) in &keys {
            let authorization = format!("Bearer {}", key.secret());
            let answer = tokio::time::timeout(PATIENCE, call(calls.clone(), method, Some(&authorization)))
                .await
                .unwrap();
            let may = scopes.is_none_or(|scopes| scopes.has(*scope));
            let expected = (!may).then_some(Reason::Forbidden);
            assert_eq!(refused(&answer), expected, "{method} with {scope:?}: {answer:?}");
            if let Some(Reason::Forbidden) = expected {
                let said = answer.unwrap_err();
                let name = format!("`{}-1` may not call {}", scope.name(), &method[1..]);
                assert!(said.message().starts_with(&name), "{said:?}");
            }
        }
    }
    guarded.stop().await;
}

#[tokio::test]
async fn what_has_no_row_is_not_there() {
    const UNKNOWN: &str = "/muster.matchmaking.v1.Matchmaking/DropAllQueues";
    let key = NewKey::make();
    let guarded = Guarded::start(&line(Scope::Operator, &key)).await;
    let calls = guarded.without_key().await;
    let answer = call(calls.clone(), UNKNOWN, None).await;
    assert_eq!(refused(&answer), Some(Reason::Unauthenticated), "{answer:?}");
    let authorization = format!("Bearer {}", key.secret());
    let answer = call(calls, UNKNOWN, Some(&authorization)).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
    guarded.stop().await;
}
