//! The description of the API.

use crate::support::Stack;

#[test]
fn the_document() {
    insta::assert_json_snapshot!(edge_gateway::openapi_document());
}

#[tokio::test]
async fn it_is_served_with_a_page_to_read_it() {
    let stack = Stack::start().await;
    let document = stack.get("/api/openapi.json").await;
    assert!(document.body["openapi"].as_str().unwrap().starts_with("3.1"), "{:?}", document.body["openapi"]);
    let page = stack.request("GET", "/api").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("swagger-ui"));
    stack.finish().await;
}
