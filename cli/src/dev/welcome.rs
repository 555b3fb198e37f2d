//! What `muster dev` says once it is ready: what runs where, and what to try.

use std::fmt::Write as _;

use super::Stack;

pub(super) fn text(stack: &Stack) -> String {
    let gateway = format!("http://{}", stack.gateway_addr());
    let mut rows = vec![
        ("gateway".to_owned(), gateway.clone(), "REST, /realtime, /api, and the page at /"),
        (
            "gateway, internal".to_owned(),
            format!("http://{}", stack.internal_addr()),
            "game servers without an agent",
        ),
        (
            "control plane".to_owned(),
            format!("http://{}", stack.control_plane_addr()),
            "gRPC, with reflection",
        ),
    ];
    for server in stack.game_servers() {
        rows.push((
            format!("game server {}", server.id),
            format!("ws://{}", server.addr),
            "/game/{landType}",
        ));
        rows.push((
            "  its agent".to_owned(),
            format!("http://{}", server.agent),
            "its local API, /v1/status",
        ));
    }
    let mut text = String::from("\nMuster is ready.\n\n");
    let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a string takes all text");
    for (what, address, meaning) in &rows {
        line(format_args!("  {what:<20} {address:<28} {meaning}"));
    }
    line(format_args!(
        "\nWarning: this gateway believes the player ids that clients send (ALLOW_CLIENT_PLAYER_ID). For this machine only.\n\
         A client that sends an identity token is held to it; POST {gateway}/v1/identity/guest makes one."
    ));
    line(format_args!("\nThree things to try:"));
    line(format_args!(
        "  1. Open {gateway}/ in two tabs, choose the queue for two, and press \"Find match\" in both."
    ));
    line(format_args!(
        "  2. curl -s {gateway}/v1/matchmaking/enqueue -H 'content-type: application/json' \\"
    ));
    line(format_args!("          -d '{{\"queueKey\":\"demo\",\"members\":[\"ann\"]}}'"));
    line(format_args!("     and then curl -s {gateway}/v1/matchmaking/status/<the ticketId>"));
    line(format_args!(
        "  3. muster load --players 500{}",
        match gateway.as_str() {
            "http://127.0.0.1:3000" => String::new(),
            other => format!(" --gateway {other}"),
        }
    ));
    line(format_args!("\nCtrl-C stops everything."));
    text
}
