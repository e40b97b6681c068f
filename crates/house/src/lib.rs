//! Finds modules of a crate that import each other in a circle, by its sources alone.
//!
//! In each folder of the sources, its files and folders are the modules that are compared: `foo.rs` with a folder `foo/` is one,
//! and `mod.rs`, `lib.rs` and `main.rs` are the folder itself. A module imports another where one of its files takes a name that
//! a file of the other defines, in a `use` or in any path, also in the body of a macro; through whichever re-export it takes it.
//! What only tests take does not count, nor what a folder and its own files take from each other.

#![forbid(unsafe_code)]

mod circle;
mod names;
mod source;

#[cfg(test)]
mod tests;

pub use circle::{Arrow, Circle};

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// The Rust files below `directory`: each one's place there, with `/` between folders, and its text.
///
/// # Errors
///
/// Where a folder or a file cannot be read.
pub fn sources(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(sources(&path)?.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        } else if name.ends_with(".rs") {
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

/// The circles among the modules of a crate, from its [sources]: of those through each import, a shortest.
///
/// # Errors
///
/// What is no Rust, modules without a file, and paths into the crate that lead nowhere, each with its file and line.
pub fn circles(sources: &BTreeMap<String, String>) -> Result<Vec<Circle>, String> {
    let is_root = |file: &&String| {
        let folder_and_name = file.rsplit_once('/');
        matches!(file.as_str(), "lib.rs" | "main.rs")
            || folder_and_name.is_some_and(|(folder, _)| folder == "bin")
    };
    let roots: Vec<&String> = sources.keys().filter(is_root).collect();
    if roots.is_empty() {
        return Err("there is neither lib.rs nor main.rs".to_owned());
    }
    let mut circles = Vec::new();
    for root in roots {
        let arrows = names::arrows(&source::read(sources, root)?)?;
        circles.extend(circle::find(root, &arrows));
    }
    Ok(circles)
}
