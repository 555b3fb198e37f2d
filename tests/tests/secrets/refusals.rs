//! Programs that refuse to start because of a setting that holds a secret.

use std::process::Command;

use tests::Program;

use crate::{installation::Installation, scenario::mistaken, search::Written};

impl Installation {
    /// Every way of setting a secret wrongly.
    pub(crate) async fn refuse_to_start(&mut self, written: &mut Written) {
        let wrong = mistaken();
        self.secrets.text("a secret that was set wrongly", &wrong);
        // Gone before everything is searched.
        let dir = self.path("wrong");
        std::fs::create_dir(&dir).unwrap();
        let toml = |name: &str, text: String| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let file = toml("key", format!("{wrong} {wrong}"));
        let unquoted = toml("unquoted.toml", format!("control_plane_key = {wrong}\n"));
        let unended = toml("unended.toml", format!("control_plane_key = \"{wrong}\n"));
        let spaced = toml("spaced.toml", format!("control_plane_key = \"{wrong} x\"\n"));
        let misspelled = toml("misspelled.toml", format!("control_plane_kee = \"{wrong}\"\n"));
        let listed = toml("listed.toml", format!("redis_url = {{ password = \"{wrong}\" }}\n"));
        let function = toml(
            "function.toml",
            format!("[queues.\"a:2\"]\nmatch_function = \"http://me:{wrong}@nowhere\"\n"),
        );
        let provider = "[[identity_providers]]\nissuer = \"https://id.example\"\naudience = \"x\"\n";
        let provider =
            toml("provider.toml", format!("{provider}jwks_url = \"http://me:{wrong}@id.example\"\n"));
        let url = format!("redis://:{wrong}@nowhere:port");
        for (program, arguments) in [
            ("edge-gateway", vec!["--control-plane-key", &format!("{wrong} and more")]),
            ("edge-gateway", vec!["--control-plane-key-file", &file]),
            ("edge-gateway", vec!["--control-plane-key", &wrong, "--control-plane-key-file", &file]),
            ("edge-gateway", vec!["--config", &unquoted]),
            ("edge-gateway", vec!["--config", &unended]),
            ("edge-gateway", vec!["--config", &spaced]),
            ("edge-gateway", vec!["--config", &misspelled]),
            ("edge-gateway", vec!["--control-plane", &format!("http://me:{wrong}@127.0.0.1:1")]),
            ("control-plane", vec!["--state", "redis", "--redis-url", &url]),
            ("control-plane", vec!["--state", "redis", "--redis-url", &format!("http://:{wrong}@127.0.0.1")]),
            ("control-plane", vec!["--config", &listed]),
            ("control-plane", vec!["--config", &function]),
            (
                "control-plane",
                vec!["--allocation", "http", "--allocation-url", &format!("http://me:{wrong}@nowhere")],
            ),
            ("edge-gateway", vec!["--config", &provider]),
        ] {
            let mut command = Command::new(tests::binary(program));
            command.args(&arguments).args(["--log", "trace", "--metrics-addr", "127.0.0.1:0"]);
            let (code, said) = Program::spawn(program, command).refuses().await;
            assert_eq!(code, Some(2), "{program} {arguments:?} said: {said}");
            assert!(!said.contains(&wrong), "{program} {arguments:?} said: {said}");
            written.add(format!("{program} with {}", arguments[0]), said);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
