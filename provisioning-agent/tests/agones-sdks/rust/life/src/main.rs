//! A game server's whole life through the published Rust SDK of Agones, unmodified. The test plays the control plane: it gives
//! this server one land, for the players ann and bob, when it is ready for the first time.

use std::{error::Error, time::Duration};

use agones::{GameServer, Sdk};
use tokio::time::timeout;
use tokio_stream::{Stream, StreamExt};

const SOON: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut sdk = Sdk::new(None, None).await?;
    let mut watch = sdk.watch_gameserver().await?;
    until(&mut watch, "Scheduled").await?;

    let health = sdk.health_check();
    health.send(()).await?;
    sdk.ready().await?;
    let allocated = until(&mut watch, "Allocated").await?;
    let annotations = &allocated.object_meta.as_ref().ok_or("no metadata")?.annotations;
    assert_eq!(annotations["muster.dev/land-id"], "arena:1");
    assert!(annotations["muster.dev/lands"].contains(r#""players":["ann","bob"]"#), "{annotations:?}");
    assert_eq!(allocated.status.ok_or("no status")?.counters["rooms"].count, 1);

    players_and_rooms(&mut sdk).await?;
    until(&mut watch, "Ready").await?;
    counters_and_lists(&mut sdk).await?;
    metadata(&mut sdk).await?;

    sdk.reserve(Duration::from_secs(1)).await?;
    until(&mut watch, "Reserved").await?;
    until(&mut watch, "Ready").await?;
    sdk.allocate().await?;
    until(&mut watch, "Allocated").await?;
    assert_eq!(sdk.beta().clone().get_counter_count("rooms").await?, 1);
    sdk.ready().await?;
    until(&mut watch, "Ready").await?;
    // Silent for longer than it may be.
    until(&mut watch, "Unhealthy").await?;
    health.send(()).await?;
    until(&mut watch, "Ready").await?;
    sdk.shutdown().await?;
    until(&mut watch, "Shutdown").await?;
    Ok(())
}

/// The next picture in which the game server is in that state.
async fn until<E: Error + 'static>(
    watch: &mut (impl Stream<Item = Result<GameServer, E>> + Unpin),
    state: &str,
) -> Result<GameServer, Box<dyn Error>> {
    let seen = async {
        while let Some(picture) = watch.next().await {
            let picture = picture?;
            if picture.status.as_ref().is_some_and(|status| status.state == state) {
                return Ok(picture);
            }
        }
        Err("the watch has ended".into())
    };
    timeout(SOON, seen).await.map_err(|_| format!("waited in vain for {state}"))?
}

async fn players_and_rooms(sdk: &mut Sdk) -> Result<(), Box<dyn Error>> {
    let mut beta = sdk.beta().clone();
    beta.append_list_value("players", "ann").await?;
    assert!(beta.append_list_value("players", "ann").await.is_err(), "each once");
    assert!(beta.list_contains("players", "ann").await?);
    beta.append_list_value("players", "bob").await?;
    beta.delete_list_value("players", "ann").await?;
    assert_eq!(beta.get_list_values("players").await?, ["bob"]);
    assert_eq!(beta.get_counter_capacity("rooms").await?, 2);
    beta.decrement_counter("rooms", 1).await?;
    assert_eq!(beta.get_counter_count("rooms").await?, 0);
    assert_eq!(beta.get_list_length("players").await?, 0, "the land took its players along");
    Ok(())
}

async fn counters_and_lists(sdk: &mut Sdk) -> Result<(), Box<dyn Error>> {
    let mut beta = sdk.beta().clone();
    beta.increment_counter("rounds", 3).await?;
    beta.decrement_counter("rounds", 1).await?;
    assert!(beta.decrement_counter("rounds", 3).await.is_err(), "not below zero");
    assert_eq!(beta.get_counter_count("rounds").await?, 2);
    beta.set_counter_capacity("rounds", 20).await?;
    beta.set_counter_count("rounds", 15).await?;
    assert_eq!(
        (beta.get_counter_count("rounds").await?, beta.get_counter_capacity("rounds").await?),
        (15, 20)
    );
    beta.append_list_value("maps", "lava").await?;
    beta.set_list_capacity("maps", 1).await?;
    assert_eq!((beta.get_list_capacity("maps").await?, beta.get_list_length("maps").await?), (1, 1));
    assert!(beta.append_list_value("maps", "ice").await.is_err(), "full");
    assert!(beta.get_counter_count("unknown").await.is_err());
    Ok(())
}

async fn metadata(sdk: &mut Sdk) -> Result<(), Box<dyn Error>> {
    sdk.set_label("mode", "duel").await?;
    sdk.set_annotation("seed", "42").await?;
    let picture = sdk.get_gameserver().await?;
    let meta = picture.object_meta.ok_or("no metadata")?;
    assert_eq!((meta.labels["agones.dev/sdk-mode"].as_str(), meta.labels["tier"].as_str()), ("duel", "gold"));
    assert_eq!(meta.annotations["agones.dev/sdk-seed"], "42");
    let spec = picture.spec.and_then(|spec| spec.health).ok_or("no health")?;
    assert!(!spec.disabled && spec.failure_threshold == 2);
    Ok(())
}
