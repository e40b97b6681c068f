//! Where results go: checked before anything is computed, so that no work is lost and nothing is written over.

use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};

/// Checks that a file can be written at `path`, and that it is none of `others`, which the command reads or writes too.
pub(crate) fn check_output(path: &Path, others: &[&Path]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!(
            "{}: the folder {} does not exist; make it, or give another place",
            path.display(),
            folder.display()
        );
    }
    if path.is_dir() {
        bail!("{}: is a folder; give the name of a file", path.display());
    }
    if others.iter().any(|other| is_same_file(path, other)) {
        bail!("{}: another file of this command would be written over; give another name", path.display());
    }
    Ok(())
}

/// Checks that a file which the user did not name may be written: there is none, or it is a model of ours.
pub(crate) fn check_default_output(path: &Path) -> Result<()> {
    if path.is_file() && !is_ours(path) {
        bail!(
            "{}: this file is no model of chainrule, and would be written over; give the model another place with -o",
            path.display()
        );
    }
    Ok(())
}

/// Whether a file is a model that this program wrote: safetensors whose metadata say so.
fn is_ours(path: &Path) -> bool {
    const LONGEST_HEADER: u64 = 100 << 20;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length).min(LONGEST_HEADER)).read_to_end(&mut header)?;
        Ok(header)
    };
    let header = read().ok().and_then(|header| serde_json::from_slice::<serde_json::Value>(&header).ok());
    header.is_some_and(|header| header["__metadata__"]["chainrule"].is_string())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
