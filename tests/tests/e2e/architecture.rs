//! The direction in which the packages may know each other, as their manifests prove it.
//!
//! Only normal dependencies count: what tests and build scripts use ships with nobody.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;
use tests::repository;

/// Who may depend on whom; `tests` on everything.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("matching", &[]),
    ("storage", &["matching"]),
    ("tokens", &[]),
    ("proto", &[]),
    ("mutations", &[]),
    ("runtime", &[]),
    ("control-plane", &["matching", "storage", "tokens", "proto", "runtime"]),
    ("edge-gateway", &["proto", "tokens", "runtime"]),
    ("provisioning-agent", &["proto", "tokens", "runtime"]),
    (
        "muster",
        &["control-plane", "edge-gateway", "provisioning-agent", "matching", "proto", "tokens", "runtime"],
    ),
];

/// Each package of the workspace with those that it depends on.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let listed = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let metadata: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let normal = all.filter(|dependency| dependency["kind"].is_null()).map(name);
        normal.filter(|dependency| ours.contains(dependency)).collect()
    };
    packages.iter().map(|package| (name(package), of(package))).collect()
}

#[test]
fn every_arrow_runs_the_right_way() {
    let mut arrows = arrows();
    assert!(arrows.remove("tests").is_some(), "the package `tests` is part of the workspace");
    let names: Vec<&str> = arrows.keys().map(String::as_str).collect();
    for (package, knows) in &arrows {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == package) else {
            panic!("say in this test whom the new package `{package}` may know; known are {names:?}");
        };
        for dependency in knows {
            assert!(
                allowed.contains(&dependency.as_str()),
                "`{package}` must not depend on `{dependency}`, only on {allowed:?}: move what it needs, or say in \
                 docs/architecture.md why the arrow runs this way now"
            );
        }
    }
}
