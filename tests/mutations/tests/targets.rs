#![expect(clippy::unwrap_used, reason = "a panic is the report")]
//! Every target of libFuzzer has what it needs, and is run by a plain test too.

use std::{collections::BTreeSet, fs, path::Path};

use mutations::{Saved, folder};

/// The crates that have bodies, by folder.
const CRATES: [&str; 5] =
    ["edge-gateway", "control-plane", "control-plane/matching", "control-plane/tokens", "provisioning-agent"];

fn names(of: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(of).collect()
}

#[test]
fn every_target_is_built_has_inputs_and_is_run_by_a_plain_test() {
    let targets = names(&folder().join("fuzz_targets"));
    assert!(targets.len() > 10, "{targets:?}");
    assert_eq!(
        names(&folder().join("corpus")),
        targets,
        "saved inputs without a target, or a target without"
    );
    assert!(names(&folder().join("words")).is_subset(&targets), "words without a target");
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let all: String =
        CRATES.iter().map(|name| sources(&folder().join("../..").join(name).join("src"))).collect();
    for target in &targets {
        assert!(
            manifest.contains(&format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"")),
            "{target}"
        );
        let source = fs::read_to_string(folder().join(format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(source.contains(&format!("::fuzz::{target}(data)")), "{target} runs another body");
        assert!(all.contains(&format!("run(\"{target}\", {target}, ")), "no plain test runs {target}");
        assert!(Saved::of(target).inputs.iter().all(|(_, input)| input.len() <= 64 * 1024), "{target}");
    }
}
