//! What the documentation says of the project itself is so: tests that it names are there, and links lead somewhere.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use tests::repository;

/// Every file with this extension that belongs to the project.
fn files(extension: &str) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![repository()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                // Of what was built, and of other people's packages, nothing is ours.
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|its| its == extension) {
                found.push(path);
            }
        }
    }
    found
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// As the anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

/// The headings of a page, without what is in code blocks.
fn anchors(page: &str) -> HashSet<String> {
    let mut in_code = false;
    let mut found = HashSet::new();
    for line in page.lines() {
        in_code ^= line.starts_with("```");
        if !in_code && line.starts_with('#') {
            found.insert(anchor(line.trim_start_matches('#')));
        }
    }
    found
}

/// The targets of `[text](target)` that lead to our own files, without what is in code blocks.
fn links(page: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in page.lines() {
        in_code ^= line.starts_with("```");
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let own = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
        found.extend(own.filter(|_| !in_code).map(str::to_owned));
    }
    found
}

#[test]
fn every_attack_names_a_test_that_is_there() {
    let sources = files("rs").into_iter().map(|file| fs::read_to_string(file).unwrap());
    let functions: HashSet<String> = sources
        .flat_map(|source| {
            let named = source.split("fn ").skip(1);
            let name = |rest: &str| {
                rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned)
            };
            named.filter_map(name).collect::<Vec<_>>()
        })
        .collect();
    let page = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let mut rows = 0;
    let mut in_attacks = false;
    for line in page.lines() {
        let row = line.trim_matches(['|', ' ']);
        let last = row.rsplit(" | ").next().unwrap_or_default().trim();
        in_attacks = line.starts_with('|') && (in_attacks || last == "test");
        if !in_attacks || last == "test" || row.starts_with("---") {
            continue;
        }
        rows += 1;
        assert!(!last.is_empty(), "an attack without a test, nor `–` for none: {line}");
        for name in quoted(last).filter(|name| !name.contains(['/', '.', ' '])) {
            let there = match name.strip_suffix('…') {
                Some(beginning) => functions.iter().any(|function| function.starts_with(beginning)),
                None => functions.contains(name),
            };
            assert!(there, "docs/security.md names `{name}`, and there is no such test");
        }
    }
    assert!(rows > 60, "the tables of attacks were not found: {rows} rows");
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for file in files("md") {
        let page = fs::read_to_string(&file).unwrap();
        for link in links(&page) {
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap_or(Path::new("")).join(path)
            };
            followed += 1;
            let leads = target.exists()
                && (fragment.is_empty()
                    || target.extension().is_none_or(|its| its != "md")
                    || anchors(&fs::read_to_string(&target).unwrap()).contains(fragment));
            if !leads {
                broken.push(format!("{}: {link}", file.strip_prefix(repository()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty() && followed > 50, "links that lead nowhere, of {followed}: {broken:#?}");
}
