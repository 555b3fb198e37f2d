//! A protobuf compiler in Rust, by the name that the SDK's build script looks for: what builds here needs no other.

use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (mut includes, mut files, mut output) = (Vec::new(), Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--version" => {
                println!("libprotoc 33.0");
                return Ok(());
            }
            "-I" => includes.extend(args.next().map(PathBuf::from)),
            "-o" => output = args.next().map(PathBuf::from),
            // Both are done below in any case.
            "--include_imports" | "--include_source_info" => {}
            flag if flag.starts_with('-') => return Err(format!("this protoc doesn't know {flag}").into()),
            file => files.push(PathBuf::from(file)),
        }
    }
    let mut compiler = protox::Compiler::new(includes)?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    fs::write(output.ok_or("say with -o where to write")?, compiler.encode_file_descriptor_set())?;
    Ok(())
}
