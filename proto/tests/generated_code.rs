//! The committed code is what the `.proto` files say. `UPDATE_GENERATED=1` writes it anew.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{fs, path::Path};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// What the control plane serves, and says of itself by reflection.
const SERVED: [&str; 3] =
    ["matchmaking/v1/matchmaking.proto", "provisioning/v1/provisioning.proto", "keys/v1/keys.proto"];
/// What others serve, or serve to others.
const BESIDE: [&str; 5] = [
    "agent/v1/agent.proto",
    "match_function/v1/match_function.proto",
    "agones/sdk.proto",
    "agones/beta.proto",
    "agones/allocation.proto",
];

#[test]
fn committed_code_matches_the_proto_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = tempfile::tempdir().unwrap();
    generate(root, fresh.path());

    let committed = root.join("src/generated");
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    if update {
        fs::create_dir_all(&committed).unwrap();
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(fresh.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let new = fs::read(fresh.path().join(&name)).unwrap();
        if update {
            fs::write(committed.join(&name), &new).unwrap();
        }
        let old = fs::read(committed.join(&name)).unwrap_or_default();
        assert!(
            old == new,
            "{} is not what the .proto files say; run: UPDATE_GENERATED=1 cargo test -p proto",
            name.display()
        );
        names.push(name);
    }
    for entry in fs::read_dir(&committed).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(names.contains(&name), "{} belongs to no .proto file; delete it", name.display());
    }
}

fn generate(root: &Path, out: &Path) {
    let all = SERVED.into_iter().chain(BESIDE);
    tonic_prost_build::configure()
        .out_dir(out)
        // Without it there is no `connect` constructor that would collide with the `Connect` call.
        .build_transport(false)
        .compile_fds(descriptors(root, all))
        .unwrap();

    // Reflection needs names and types, not comments.
    let mut bare = descriptors(root, SERVED);
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    fs::write(out.join("descriptors.bin"), bare.encode_to_vec()).unwrap();
}

fn descriptors(root: &Path, files: impl IntoIterator<Item = &'static str>) -> FileDescriptorSet {
    protox::Compiler::new([root])
        .unwrap()
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)
        .unwrap()
        .file_descriptor_set()
}
