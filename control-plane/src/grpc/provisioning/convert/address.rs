//! Where players connect, as a server says it.

use crate::{
    connect_url::{self, is_host},
    grpc::fields::Fields,
};

/// Where players connect, as a server says it.
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    pub(super) port: u32,
    pub(super) connect_host: &'a str,
    pub(super) connect_port: u32,
    pub(super) connect_scheme: &'a str,
}

impl Address<'_> {
    /// The part of a connect URL before `/game/`: the scheme's own port is left out.
    pub(super) fn check(&self, fields: &mut Fields, path: &str) -> String {
        fields.id(&format!("{path}host"), self.host);
        fields.optional_id(&format!("{path}connect_host"), self.connect_host);
        for (name, host) in [("host", self.host), ("connect_host", self.connect_host)] {
            if !host.is_empty() && !is_host(host) {
                fields.wrong(
                    format!("{path}{name}"),
                    "must be a host name or an IP address, without scheme, port or path",
                );
            }
        }
        if !(1..=65_535).contains(&self.port) {
            fields.wrong(format!("{path}port"), "must be 1 to 65535");
        }
        if self.connect_port > 65_535 {
            fields.wrong(format!("{path}connect_port"), "must be 1 to 65535, or absent");
        }
        if !matches!(self.connect_scheme, "" | "ws" | "wss") {
            fields.wrong(format!("{path}connect_scheme"), "must be `ws` or `wss`, or absent");
        }
        let port = if self.connect_port == 0 { self.port } else { self.connect_port };
        let host = if self.connect_host.is_empty() { self.host } else { self.connect_host };
        let scheme = (!self.connect_scheme.is_empty()).then_some(self.connect_scheme);
        // One that doesn't fit is refused.
        connect_url::base(scheme, host, u16::try_from(port).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proto::error::Reason;

    use super::*;

    #[test]
    fn connect_bases() {
        let base = |host, port, connect_host, connect_port, connect_scheme| {
            let mut fields = Fields::default();
            let address = Address { host, port, connect_host, connect_port, connect_scheme };
            let base = address.check(&mut fields, "");
            fields.check().map(|()| base)
        };
        let good = [
            (base("10.0.0.1", 7001, "", 0, ""), "ws://10.0.0.1:7001"),
            (base("10.0.0.1", 7001, "play.example", 443, ""), "wss://play.example"),
            (base("10.0.0.1", 7001, "play.example", 80, ""), "ws://play.example"),
            (base("10.0.0.1", 7001, "play.example", 0, "wss"), "wss://play.example:7001"),
            (base("10.0.0.1", 443, "", 0, "ws"), "ws://10.0.0.1:443"),
            (base("::1", 7001, "", 0, ""), "ws://[::1]:7001"),
            (base("[::1]", 7001, "", 0, ""), "ws://[::1]:7001"),
            (base("game_1.internal", 7001, "", 0, ""), "ws://game_1.internal:7001"),
        ];
        for (made, expected) in good {
            assert_eq!(made.as_deref(), Ok(expected));
        }
        for bad in [
            base("", 1, "", 0, ""),
            base("a/b", 1, "", 0, ""),
            base("a:80", 1, "", 0, ""),
            base("[a]", 1, "", 0, ""),
            base("a%0d", 1, "", 0, ""),
            base("a\"b", 1, "", 0, ""),
            base("a", 1, "user@b", 0, ""),
            base("a", 0, "", 0, ""),
            base("a", 1, "", 0, "http"),
        ] {
            assert_eq!(bad.unwrap_err().reason, Reason::InvalidRequest);
        }
    }
}
