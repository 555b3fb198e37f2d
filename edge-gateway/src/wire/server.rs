//! The body with which a game server without an agent registers.

use std::collections::BTreeMap;

use proto::{error::Refusal, provisioning::v1 as pb};
use serde_json::Value;

use super::shape::{Faults, Fields, shown};

/// Reads `{"serverId","host","port","landType","connectHost"?,"connectPort"?,"connectScheme"?}` and the optional
/// `region`, `capacity`, `playerCapacity`, `labels` and `version`.
pub(crate) fn read(value: &Value) -> Result<pb::RegisterServerRequest, Refusal> {
    let mut faults = Faults::default();
    let Some(mut fields) = Fields::of_body(value, &mut faults) else {
        return Err(faults.into_result(()).expect_err("it was just found to be no object"));
    };
    let request = pb::RegisterServerRequest {
        server_id: fields.required_text("serverId"),
        host: fields.required_text("host"),
        port: port(&mut fields),
        land_type: fields.required_text("landType"),
        connect_host: fields.text("connectHost").unwrap_or_default(),
        connect_port: fields.integer("connectPort", 1).unwrap_or_default(),
        connect_scheme: fields.text("connectScheme").unwrap_or_default(),
        region: fields.text("region").unwrap_or_default(),
        capacity: fields.integer("capacity", 1).unwrap_or_default(),
        labels: labels(&mut fields).into_iter().collect(),
        version: fields.text("version").unwrap_or_default(),
        player_capacity: fields.integer("playerCapacity", 1).unwrap_or_default(),
    };
    fields.finish();
    faults.into_result(request)
}

fn port(fields: &mut Fields<'_>) -> u32 {
    if fields.value("port").is_none() {
        fields.faults().add("port", "is missing");
    }
    fields.integer("port", 1).unwrap_or_default()
}

fn labels(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, value) in fields.object("labels").into_iter().flatten() {
        match value {
            Value::String(text) => {
                labels.insert(name.clone(), text.clone());
            }
            other => {
                let path = fields.path(&format!("labels.{}", shown(name)));
                fields.faults().wrong_type(path, "a text", other);
            }
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_registration_arrives_upstream() {
        let body = json!({
            "serverId": "s-1", "host": "10.0.0.5", "port": 7001, "landType": "demo", "connectHost": "play.example",
            "connectPort": 443, "connectScheme": "wss", "region": "eu", "capacity": 3, "playerCapacity": 12, "labels": {"a": "b"}, "version": "1"
        });
        let request = read(&body).unwrap();
        assert_eq!((request.port, request.connect_port), (7001, 443));
        assert_eq!((request.capacity, request.player_capacity), (3, 12));
        assert_eq!((&*request.region, &*request.version, &*request.labels["a"]), ("eu", "1", "b"));
    }

    #[test]
    fn faults_are_named_together() {
        let body = json!({"serverId": 1, "host": "h", "connectPort": 0, "labels": {"a": 1}, "landtype": "x"});
        let fields: Vec<String> =
            read(&body).unwrap_err().fields.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["serverId", "port", "landType", "connectPort", "labels.a", "landtype"]);
    }
}
