//! Where results go: checked before anything is computed, so that no work is lost and nothing is written over.

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

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
