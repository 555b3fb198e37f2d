//! Why a ticket waits, for people and for programs.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use proto::matchmaking::v1::{ExplainTicketResponse, Explanation, Outlook, QueuePlace, TicketStatus};
use serde_json::{Map, Value, json};

/// Lines and a table.
pub(super) fn text(answer: &ExplainTicketResponse, now: SystemTime) -> String {
    let mut page = Page(String::new());
    let rules = answer.explanation.as_ref().map(|told| format!(", {}", told.rules)).unwrap_or_default();
    page.line(&format!("ticket {} in {}{rules}", answer.ticket_id, answer.queue_key));
    if answer.status() != TicketStatus::Queued {
        page.line(&format!("is {}: it doesn't wait", status(answer.status())));
        return page.0;
    }
    let waited = since(answer.enqueued_at_unix_ms, now);
    page.line(&format!("waits for {}, and expires in {}", waited, until(answer.expires_at_unix_ms, now)));
    if let Some(place) = &answer.place {
        page.line(&standing_in_queue(place));
    }
    if let Some(told) = &answer.explanation {
        page.line(&format!("\n{}", told.summary));
        if !told.held_up_by.is_empty() && !told.summary.contains(&told.held_up_by) {
            page.line(&format!("Beside that, no match gets a server: {}.", told.held_up_by));
        }
        if let Some(outlook) =
            told.outlook.as_ref().filter(|outlook| !outlook.being_placed && outlook.unfit.is_empty())
        {
            page.outlook(outlook, now);
        }
    }
    page.0
}

/// One document, in the words of the client API.
pub(super) fn json(answer: &ExplainTicketResponse) -> Value {
    let mut document = json!({
        "ticketId": answer.ticket_id,
        "queueKey": answer.queue_key,
        "status": status(answer.status()),
        "enqueuedAtUnixMs": answer.enqueued_at_unix_ms,
        "expiresAtUnixMs": answer.expires_at_unix_ms,
    });
    let fields = document.as_object_mut().expect("it was made as an object");
    if let Some(place) = &answer.place {
        fields.insert("position".to_owned(), place.position.into());
        let waits = [
            ("estimatedWaitMs", place.estimated_wait_ms),
            ("estimatedWaitLowMs", place.estimated_wait_low_ms),
            ("estimatedWaitHighMs", place.estimated_wait_high_ms),
        ];
        for (name, wait) in waits {
            fields.extend(wait.map(|wait| (name.to_owned(), wait.into())));
        }
    }
    if let Some(told) = &answer.explanation {
        fields.insert("explanation".to_owned(), explanation(told).into());
    }
    document
}

fn explanation(told: &Explanation) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add("summary", json!(told.summary));
    add("rules", json!(told.rules));
    if !told.held_up_by.is_empty() {
        add("heldUpBy", json!(told.held_up_by));
    }
    let Some(outlook) = &told.outlook else { return fields };
    if outlook.being_placed {
        add("beingPlaced", json!(true));
        return fields;
    }
    if !outlook.unfit.is_empty() {
        add("unfit", json!(outlook.unfit));
        return fields;
    }
    add("candidates", json!(outlook.candidates));
    add("lookedAt", json!(outlook.looked_at));
    add("fitting", json!(outlook.fitting));
    add("fittingPlayers", json!(outlook.fitting_players));
    let exclusions = outlook.exclusions.iter().map(|one| {
        json!({ "what": one.what, "isRule": one.is_rule, "tickets": one.tickets, "nearestBy": one.nearest_by })
    });
    add("exclusions", exclusions.collect());
    if let Some(miss) = &outlook.nearest_miss {
        add("nearestMiss", json!({ "what": miss.what, "by": miss.by }));
    }
    add("playersNeeded", json!(outlook.players_needed));
    add("playersMissing", json!(outlook.players_missing));
    if outlook.next_expansion_at_unix_ms > 0 {
        add("nextExpansionAtUnixMs", json!(outlook.next_expansion_at_unix_ms));
    }
    fields
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("a string takes all text");
    }

    fn outlook(&mut self, outlook: &Outlook, now: SystemTime) {
        let looked = if outlook.looked_at < outlook.candidates {
            format!(" (of the {} closest)", outlook.looked_at)
        } else {
            String::new()
        };
        self.line(&format!(
            "\n  others that wait    {}\n  fit it              {} with {} players{looked}\n  a match needs       {} players, of which {} are missing",
            outlook.candidates, outlook.fitting, outlook.fitting_players, outlook.players_needed, outlook.players_missing
        ));
        if outlook.next_expansion_at_unix_ms > 0 {
            self.line(&format!("  the rules loosen    in {}", until(outlook.next_expansion_at_unix_ms, now)));
        }
        if outlook.exclusions.is_empty() {
            return;
        }
        let names = outlook.exclusions.iter().map(|one| one.what.chars().count());
        let width = names.max().unwrap_or(0).max("kept away by".len());
        self.line(&format!("\n  {:<width$}  tickets  the nearest misses by", "kept away by"));
        for one in &outlook.exclusions {
            let by = one.nearest_by.map_or_else(|| "–".to_owned(), |by| format!("{by:.1}"));
            let by = by.strip_suffix(".0").unwrap_or(&by);
            self.line(&format!("  {:<width$}  {:>7}  {by}", one.what, one.tickets));
        }
    }
}

fn standing_in_queue(place: &QueuePlace) -> String {
    let span = |ms: u32| span(Duration::from_millis(ms.into()));
    let position = format!("is at position {}", place.position);
    match (place.estimated_wait_ms, place.estimated_wait_low_ms.zip(place.estimated_wait_high_ms)) {
        (None, _) => format!("{position}; nothing is known of recent waits"),
        (Some(middle), None) => format!("{position}; recent matches took {}", span(middle)),
        (Some(middle), Some((low, high))) => {
            format!(
                "{position}; recent matches took {}, half of them {} to {}",
                span(middle),
                span(low),
                span(high)
            )
        }
    }
}

fn status(status: TicketStatus) -> &'static str {
    match status {
        TicketStatus::Unspecified | TicketStatus::Queued => "queued",
        TicketStatus::Matched => "matched",
        TicketStatus::Assigned => "assigned",
        TicketStatus::Cancelled => "cancelled",
        TicketStatus::Expired => "expired",
    }
}

fn since(unix_ms: u64, now: SystemTime) -> String {
    span(now.duration_since(time(unix_ms)).unwrap_or_default())
}

fn until(unix_ms: u64, now: SystemTime) -> String {
    span(time(unix_ms).duration_since(now).unwrap_or_default())
}

/// Beyond any time that is meant, the last that can be told.
fn time(unix_ms: u64) -> SystemTime {
    let after = Duration::from_millis(unix_ms.min(u64::from(u32::MAX) * 1_000));
    SystemTime::UNIX_EPOCH + after
}

/// `900 ms`, `12.5 s`, `14 min`.
fn span(span: Duration) -> String {
    match span.as_millis() {
        ms @ ..1_000 => format!("{ms} ms"),
        1_000..120_000 => {
            let seconds = format!("{:.1}", span.as_secs_f64());
            format!("{} s", seconds.strip_suffix(".0").unwrap_or(&seconds))
        }
        _ => format!("{} min", span.as_secs() / 60),
    }
}

#[cfg(test)]
mod tests {
    use proto::matchmaking::v1::{Exclusion, Miss};

    use super::*;

    fn answer() -> ExplainTicketResponse {
        ExplainTicketResponse {
            ticket_id: "t-1".to_owned(),
            queue_key: "demo:ranked".to_owned(),
            status: TicketStatus::Queued.into(),
            enqueued_at_unix_ms: 1_000_000,
            expires_at_unix_ms: 1_900_000,
            place: Some(QueuePlace {
                position: 4,
                estimated_wait_ms: Some(9_000),
                estimated_wait_low_ms: Some(4_500),
                estimated_wait_high_ms: Some(150_000),
            }),
            explanation: Some(Explanation {
                summary: "Too few fit.".to_owned(),
                rules: "rule set `ranked`".to_owned(),
                held_up_by: "no server is free".to_owned(),
                outlook: Some(Outlook {
                    candidates: 5_000,
                    looked_at: 2_000,
                    fitting: 3,
                    fitting_players: 4,
                    exclusions: vec![
                        Exclusion {
                            what: "FairSkill".to_owned(),
                            is_rule: true,
                            tickets: 1_990,
                            nearest_by: Some(40.0),
                        },
                        Exclusion { what: "roles".to_owned(), tickets: 7, ..Default::default() },
                    ],
                    nearest_miss: Some(Miss { what: "FairSkill".to_owned(), by: 40.0 }),
                    players_needed: 10,
                    players_missing: 5,
                    next_expansion_at_unix_ms: 1_020_000,
                    ..Default::default()
                }),
            }),
        }
    }

    #[test]
    fn people_read_a_page() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_012_500);
        let expected = "\
ticket t-1 in demo:ranked, rule set `ranked`
waits for 12.5 s, and expires in 14 min
is at position 4; recent matches took 9 s, half of them 4.5 s to 2 min

Too few fit.
Beside that, no match gets a server: no server is free.

  others that wait    5000
  fit it              3 with 4 players (of the 2000 closest)
  a match needs       10 players, of which 5 are missing
  the rules loosen    in 7.5 s

  kept away by  tickets  the nearest misses by
  FairSkill        1990  40
  roles               7  –
";
        assert_eq!(text(&answer(), now), expected);
        let over =
            ExplainTicketResponse { status: TicketStatus::Assigned.into(), explanation: None, ..answer() };
        assert_eq!(text(&over, now), "ticket t-1 in demo:ranked\nis assigned: it doesn't wait\n");
    }

    #[test]
    fn programs_read_the_words_of_the_client_api() {
        let document = json(&answer());
        assert_eq!(document["estimatedWaitHighMs"], 150_000);
        assert_eq!(document["explanation"]["exclusions"][0]["nearestBy"], 40.0);
        assert_eq!(document["explanation"]["lookedAt"], 2_000);
        let mut unfit = answer();
        let told = unfit.explanation.as_mut().unwrap();
        told.outlook = Some(Outlook { unfit: "it has no skill".to_owned(), ..Default::default() });
        let document = json(&unfit);
        assert_eq!(document["explanation"]["unfit"], "it has no skill");
        assert_eq!(document["explanation"].get("candidates"), None);
    }
}
