//! What a person sees in a browser.

mod chromium;

use self::chromium::Chromium;
use crate::dev::Dev;

#[tokio::test]
async fn two_tabs_find_each_other_and_play() {
    let dev = Dev::start().await;
    let browser = Chromium::start().await;
    let ann = browser.open(&dev.gateway).await;
    let bob = browser.open(&dev.gateway).await;
    for (tab, name) in [(&ann, "ann"), (&bob, "bob")] {
        tab.shows("#status", &["Not in a queue."]).await;
        tab.write("#name", name).await;
        tab.choose("#queue", "demo:2").await;
    }

    ann.click("#find").await;
    ann.shows("#status", &["In the queue."]).await;
    bob.click("#find").await;
    for (tab, players) in [(&ann, ["ann (you)", "bob"]), (&bob, ["ann", "bob (you)"])] {
        tab.shows("#status", &["You are playing."]).await;
        tab.shows("#players li", &players).await;
        tab.shows("#score", &["0"]).await;
    }
    ann.click("#play").await;
    bob.shows("#score", &["1"]).await;
    bob.click("#play").await;
    bob.click("#play").await;
    ann.shows("#score", &["3"]).await;

    bob.click("#leave").await;
    ann.shows("#players li", &["ann (you)"]).await;
    let errors = browser.console_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn a_tab_cancels_and_a_name_that_is_queued_is_refused_in_words() {
    let dev = Dev::start().await;
    let browser = Chromium::start().await;
    let first = browser.open(&dev.gateway).await;
    let second = browser.open(&dev.gateway).await;
    for tab in [&first, &second] {
        tab.write("#name", "ann").await;
        tab.choose("#queue", "demo:2").await;
    }
    first.click("#find").await;
    first.shows("#status", &["In the queue."]).await;
    second.click("#find").await;
    second.shows("#problem", &["Somebody of this name is in a queue already. Choose another name."]).await;
    first.click("#cancel").await;
    first.shows("#status", &["You left the queue."]).await;
    second.click("#find").await;
    second.shows("#status", &["In the queue."]).await;
}

#[tokio::test]
async fn the_api_can_be_read_and_tried() {
    let dev = Dev::start().await;
    let browser = Chromium::start().await;
    let page = browser.open(&format!("{}/api", dev.gateway)).await;
    let operation = ".opblock:has([data-path=\"/v1/matchmaking/enqueue\"])";
    page.shows(&format!("{operation} .opblock-summary-description"), &["Ask for a match"]).await;
    for button in [".opblock-summary-control", ".try-out__btn", ".execute"] {
        page.click(&format!("{operation} {button}")).await;
    }
    page.shows(&format!("{operation} .live-responses-table .response .response-col_status"), &["201"]).await;
    let errors = browser.console_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}
