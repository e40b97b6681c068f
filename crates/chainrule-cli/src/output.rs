//! Where results go: checked before anything is computed, so that no work is lost and nothing is written over.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use chainrule::{OutputFile, is_same_file};

use crate::terminal;

/// Checks that a file can be written at `path`, and that it is none of `others`, which the command reads or writes too.
/// Where it is standard output, what the program has to say goes to standard error from now on.
pub(crate) fn check_output(path: &Path, others: &[PathBuf]) -> Result<OutputFile> {
    let output = OutputFile::at(path)?;
    if output.file().is_some()
        && let Some(other) = others.iter().find(|other| is_same_file(path, other))
    {
        let other = match other.as_path() == path {
            true => "another file of this command".to_owned(),
            false => format!("{}, another file of this command,", other.display()),
        };
        bail!("{}: {other} would be written over; give another name", path.display());
    }
    output.check()?;
    if output.is_standard_output() {
        terminal::speak_on_standard_error();
    }
    Ok(output)
}

/// The files that data come from: the source itself, and what is in it if it is a folder, but for models of ours.
pub(crate) fn input_files(source: &str) -> Vec<PathBuf> {
    let source = PathBuf::from(source);
    let entries = std::fs::read_dir(&source).into_iter().flatten().flatten().map(|entry| entry.path());
    let inside: Vec<PathBuf> = entries.filter(|path| path.is_file() && !is_ours(path)).collect();
    [source].into_iter().chain(inside).collect()
}

/// Checks that a file which the user did not name may be written: there is none, or it is a model of ours.
pub(crate) fn check_default_output(path: &Path) -> Result<()> {
    if path.exists() && !is_ours(path) {
        bail!(
            "{}: this file is no model of chainrule, and would be written over; give the model another place with -o",
            path.display()
        );
    }
    Ok(())
}

/// A place for a file that the user did not name: `path`, or the first of `NAME-2.END`, `NAME-3.END` and so on where nothing
/// is, or where what is there `may_go`.
pub(crate) fn spare_place(path: &Path, may_go: impl Fn(&Path) -> bool) -> PathBuf {
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err() || may_go(path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or(String::new(), |end| format!(".{}", end.to_string_lossy()));
    let numbered = (2..).map(|number: u64| path.with_file_name(format!("{stem}-{number}{end}")));
    [path.to_owned()].into_iter().chain(numbered).find(is_free).unwrap_or_else(|| path.to_owned())
}

/// Whether a file is a model that this program wrote: safetensors whose metadata say so.
pub(crate) fn is_ours(path: &Path) -> bool {
    const LONGEST_HEADER: u64 = 100 << 20;
    if !path.is_file() {
        return false;
    }
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let (mut length, mut first) = ([0; 8], [0; 1]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut first)?;
        let mut header = first.to_vec();
        if first == *b"{" {
            file.take(u64::from_le_bytes(length).clamp(1, LONGEST_HEADER) - 1).read_to_end(&mut header)?;
        }
        Ok(header)
    };
    let header = read().ok().and_then(|header| serde_json::from_slice::<serde_json::Value>(&header).ok());
    header.is_some_and(|header| header["__metadata__"]["chainrule"].is_string())
}
