//! How game servers are named in Agones, as it is configured.

use std::collections::BTreeMap;

use runtime::config::Invalid;

use crate::config::{AllocationSettings, Scheme};

/// See the file's header.
#[derive(Debug, Clone)]
pub(in crate::allocation) struct Settings {
    pub(super) namespace: String,
    /// That every game server has.
    pub(super) labels: BTreeMap<String, String>,
    /// `None`: every game server hosts every land type.
    pub(super) land_type_label: Option<String>,
    pub(super) region_label: String,
    pub(super) version_label: String,
    /// The port that players connect to; `None`: the only one.
    pub(super) port_name: Option<String>,
    /// `None`: by the port.
    pub(super) scheme: Option<&'static str>,
}

impl Settings {
    pub(in crate::allocation) fn of(settings: &AllocationSettings) -> Result<Self, Invalid> {
        let land_type_label = &settings.agones_land_type_label;
        Ok(Self {
            namespace: settings.agones_namespace.clone(),
            labels: settings.labels()?,
            land_type_label: (!land_type_label.is_empty()).then(|| land_type_label.clone()),
            region_label: settings.agones_region_label.clone(),
            version_label: settings.agones_version_label.clone(),
            port_name: settings.agones_port_name.clone(),
            scheme: settings.agones_scheme.map(|scheme| match scheme {
                Scheme::Ws => "ws",
                Scheme::Wss => "wss",
            }),
        })
    }
}
