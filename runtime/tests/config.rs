//! Where a setting comes from, and what is said of one that can't be taken.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    collections::BTreeMap, ffi::OsString, io::Write as _, net::SocketAddr, path::PathBuf, time::Duration,
};

use runtime::config::{self, FileSections, LoadError};

#[derive(Debug, clap::Parser)]
struct Demo {
    #[arg(long)]
    config: Option<PathBuf>,
    #[arg(long, env = "MUSTER_TEST_GRPC_ADDR", default_value = "127.0.0.1:3001")]
    grpc_addr: SocketAddr,
    #[arg(long, default_value = "5s", value_parser = config::duration)]
    patience: Duration,
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    trusting: bool,
    #[arg(long)]
    land_type: Vec<String>,
    #[arg(long)]
    name: String,
}

#[derive(Debug, Default, serde::Deserialize)]
struct Sections {
    #[serde(default)]
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    size: u32,
}

impl FileSections for Sections {
    const NAMES: &'static [&'static str] = &["queues"];
}

fn load(file: &str, flags: &[&str]) -> Result<(Demo, Sections), String> {
    let mut config = tempfile::NamedTempFile::new().unwrap();
    config.write_all(file.as_bytes()).unwrap();
    let path = config.path().to_str().unwrap();
    let args = ["demo", "--config", path].into_iter().chain(flags.iter().copied()).map(OsString::from);
    config::load::<Demo, Sections>(args).map_err(|error| match error {
        LoadError::Arguments(error) => error.to_string(),
        LoadError::File(error) => error.to_string().replace(path, "demo.toml"),
    })
}

#[test]
fn a_flag_wins_over_the_file_and_that_over_the_default() {
    let file = "grpc-addr = '127.0.0.1:1'\ntrusting = true\nname = 'a'\nland_type = ['x', 'y']\n[queues.'q:2']\nsize = 2\n";
    let (demo, sections) = load(file, &["--grpc-addr", "127.0.0.1:2"]).unwrap();
    assert!(demo.config.is_some() && demo.trusting);
    assert_eq!(demo.grpc_addr.port(), 2);
    assert_eq!(demo.patience, Duration::from_secs(5));
    assert_eq!((demo.name.as_str(), demo.land_type.len()), ("a", 2));
    assert_eq!(sections.queues["q:2"].size, 2);
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let cases = [
        (
            "name = 'a'\ngrcp_addr = 'x'\n",
            "demo.toml:2: grcp_addr: unknown setting; did you mean `grpc_addr`?",
        ),
        ("name = 'a'\npatience = 'soon'\n", "demo.toml:2: patience: `soon` can't be taken: "),
        ("name = 'a'\npatience = { a = 1 }\n", "demo.toml:2: patience: takes a text"),
        ("name = 'a'\n[queues.q]\nsize = 2\nsise = 3\n", "line 4, column 1"),
        ("name = \n", "line 1, column 8"),
    ];
    for (file, expected) in cases {
        let error = load(file, &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(load("trusting = true\n", &[]).unwrap_err().contains("--name"));
}

#[test]
fn the_line_that_is_no_toml_is_named_and_not_shown() {
    for (file, place) in [
        ("name = 'a'\nkey = hidden-word", "demo.toml: line 2, column 7: "),
        ("name = 'a'\nkey = \"hidden-word\n", "demo.toml: line 2, column "),
        (
            "[queues.x]\nsize = 1\nhidden = 'hidden-word'",
            "demo.toml: line 3, column 1: unknown field `hidden`",
        ),
    ] {
        let said = load(file, &[]).unwrap_err();
        assert!(said.starts_with(place) && !said.contains("hidden-word"), "{said}");
    }
}

#[test]
fn a_missing_file_is_an_error() {
    let args = ["demo", "--config", "/nowhere/muster.toml"].map(OsString::from);
    let error = config::load::<Demo, Sections>(args).unwrap_err().to_string();
    assert!(error.contains("/nowhere/muster.toml"), "{error}");
}

#[test]
fn defaults_listen_to_nobody() {
    let demo: Demo = config::defaults(&["--name", "a"]);
    assert_eq!(demo.grpc_addr.port(), 3001);
}

#[test]
fn the_reference_names_every_setting() {
    let page = config::reference(&<Demo as clap::CommandFactory>::command());
    assert!(page.contains("| `--grpc-addr` | `MUSTER_TEST_GRPC_ADDR` | `127.0.0.1:3001` |"), "{page}");
    assert!(page.contains("| `--name` | – | required |"), "{page}");
}
