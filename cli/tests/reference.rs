//! docs/configuration.md is what the programs say. `UPDATE_DOCS=1` writes it anew.

use std::{fs, path::Path};

#[test]
fn the_committed_page_is_what_the_programs_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = muster::reference::page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/configuration.md is not what the programs say; run: UPDATE_DOCS=1 cargo test -p muster --test reference"
    );
}
