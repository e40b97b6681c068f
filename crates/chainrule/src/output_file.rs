//! Where a result goes: found out before any work, and then written whole or not at all.
//!
//! A regular file is written beside its place, synced, and renamed into it, so that a reader sees the old file or the
//! new one, whatever happens meanwhile; its mode and its owner stay. What is no regular file is never replaced: a device
//! of characters and a pipe are written into, everything else is refused.

mod beside;
#[cfg(unix)]
mod special;

use std::fs::File;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use beside::{Aside, claim, name_beside};

pub use beside::{FileLock, abandon_output_files};

/// A place for a file that is to be written.
///
/// ```
/// use chainrule::OutputFile;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("notes.txt");
/// let output = OutputFile::at(&path)?;
/// output.check()?; // Now, not after an hour of work.
/// output.write(b"what an hour of work gave")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"what an hour of work gave");
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Debug)]
pub struct OutputFile {
    /// As it was given.
    path: PathBuf,
    medium: Medium,
}

#[derive(Debug)]
enum Medium {
    /// A regular file, which may not be there yet, behind all links.
    File(PathBuf),
    /// A device of characters, or a pipe.
    Stream,
    /// A file that the process was started with, such as `/dev/stdout`. Others write there too, so it only grows.
    #[cfg(unix)]
    Descriptor(File),
}

impl OutputFile {
    /// Finds out what is at `path`, through all links.
    ///
    /// # Errors
    /// For a folder, a folder that does not exist, a link that leads nowhere, a disk, a socket, and whatever the system
    /// refuses to say.
    pub fn at(path: &Path) -> Result<Self> {
        let medium = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Medium::File(new_file(path)?),
            Err(source) => return Err(Error::Io { path: path.to_owned(), source }),
            Ok(metadata) if metadata.is_dir() => return refuse(path, "is a folder; give the name of a file"),
            #[cfg(unix)]
            Ok(metadata) if let Some(file) = special::descriptor(path, &metadata) => Medium::Descriptor(file),
            Ok(metadata) if metadata.is_file() => {
                let target = fs::canonicalize(path);
                Medium::File(target.map_err(|source| Error::Io { path: path.to_owned(), source })?)
            }
            #[cfg(unix)]
            Ok(metadata) if let Some(reason) = special::reason_to_refuse(&metadata) => {
                return refuse(path, reason);
            }
            Ok(_) => Medium::Stream,
        };
        Ok(OutputFile { path: path.to_owned(), medium })
    }

    /// The regular file that will be there, behind all links; none where something else is written into.
    pub fn file(&self) -> Option<&Path> {
        match &self.medium {
            Medium::File(target) => Some(target),
            _ => None,
        }
    }

    /// Whether this is what the process has as its standard output, unless that is a device such as `/dev/null`.
    pub fn is_standard_output(&self) -> bool {
        #[cfg(unix)]
        return special::is_standard_output(&self.path);
        #[cfg(not(unix))]
        false
    }

    /// Checks that [`write`](Self::write) will be let, and changes nothing.
    ///
    /// # Errors
    /// When the system refuses to write to the file or to its folder, and when the file belongs to somebody whom a new
    /// file cannot be given to.
    pub fn check(&self) -> Result<()> {
        let io = |source| Error::Io { path: self.path.clone(), source };
        match &self.medium {
            Medium::File(target) => {
                if target.exists() {
                    OpenOptions::new().write(true).open(target).map_err(io)?;
                }
                Aside::create(target, &self.path).map(drop)
            }
            #[cfg(unix)]
            Medium::Stream => special::check_access(&self.path).map_err(io),
            #[cfg(not(unix))]
            Medium::Stream => Ok(()),
            #[cfg(unix)]
            Medium::Descriptor(file) => (&*file).write(&[]).map(drop).map_err(io),
        }
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// When the system refuses; the regular file that was there before is then still there.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let io = |source| Error::Io { path: self.path.clone(), source };
        match &self.medium {
            Medium::File(target) => {
                let mut aside = Aside::create(target, &self.path)?;
                aside.write(bytes).and_then(|()| aside.rename_to(target)).map_err(io)
            }
            Medium::Stream => {
                let stream = OpenOptions::new().write(true).open(&self.path);
                stream.and_then(|mut stream| stream.write_all(bytes)).map_err(io)
            }
            #[cfg(unix)]
            Medium::Descriptor(file) => {
                // What was printed before stands before.
                io::stdout().flush().and_then(|()| (&*file).write_all(bytes)).map_err(io)
            }
        }
    }

    /// Opens a pipe without waiting for whoever reads it; none for everything else. As long as what comes back is there,
    /// [`write`](Self::write) does not wait either.
    ///
    /// # Errors
    /// When nobody reads the pipe, and when the system refuses.
    pub fn open_pipe(&self) -> Result<Option<File>> {
        #[cfg(unix)]
        if matches!(self.medium, Medium::Stream) {
            return match special::open_pipe(&self.path) {
                Err(error) if special::is_without_reader(&error) => {
                    refuse(&self.path, "nobody reads this pipe, so nothing can be written into it")
                }
                opened => opened.map_err(|source| Error::Io { path: self.path.clone(), source }),
            };
        }
        Ok(None)
    }

    /// Claims the place for this process, until the lock is dropped or the process ends, however it ends.
    ///
    /// # Errors
    /// When another process has it, for what is no regular file, and for one that the process was started with.
    pub fn lock(&self) -> Result<FileLock> {
        let target = match &self.medium {
            Medium::File(target) => target,
            #[cfg(unix)]
            Medium::Descriptor(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => {
                let reason = match self.is_standard_output() {
                    true => "is the file that standard output goes to; give the name of another one",
                    false => "is a file that this process was started with; give the name of another one",
                };
                return refuse(&self.path, reason);
            }
            _ => return refuse(&self.path, "is no regular file; give the name of one"),
        };
        let path = name_beside(target, "lock");
        match claim(&path, Duration::ZERO) {
            Ok(file) => Ok(FileLock::new(path, file)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                refuse(&self.path, "another run writes to it; wait for its end, or give another name")
            }
            Err(source) => Err(Error::Io { path: self.path.clone(), source }),
        }
    }
}

/// Writes a whole file: [`OutputFile::at`] and [`OutputFile::write`] at once.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("losses.csv");
/// chainrule::write_file(&path, b"epoch,loss\n1,0.5\n")?;
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "epoch,loss\n1,0.5\n");
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// As those.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    OutputFile::at(path)?.write(bytes)
}

/// Whether two paths lead to one file, however they are written. A file that is not there yet is known by its folder
/// and its name.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("table.csv");
/// # std::fs::write(&path, "").unwrap();
/// assert!(chainrule::is_same_file(&path, &folder.path().join(".").join("table.csv")));
/// assert!(!chainrule::is_same_file(&path, &folder.path().join("other.csv")));
/// ```
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        #[cfg(unix)]
        (Ok(one), Ok(other)) => special::identity(&one) == special::identity(&other),
        #[cfg(not(unix))]
        (Ok(_), Ok(_)) => matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b),
        (Err(_), Err(_)) => matches!((new_file(one), new_file(other)), (Ok(a), Ok(b)) if a == b),
        _ => false,
    }
}

fn refuse<T>(path: &Path, reason: impl Into<String>) -> Result<T> {
    Err(Error::File { path: path.to_owned(), reason: reason.into() })
}

/// The place of a file that is not there.
fn new_file(path: &Path) -> Result<PathBuf> {
    if let Ok(behind) = fs::read_link(path) {
        let behind = behind.display();
        return refuse(
            path,
            format!("is a link to {behind}, which does not exist; remove it, or give another name"),
        );
    }
    let ends_as_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let (Some(name), false) = (path.file_name(), ends_as_folder) else {
        return refuse(path, "is no name of a file; give one");
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::canonicalize(folder) {
        Ok(found) if found.is_dir() => Ok(found.join(name)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source: error })
        }
        _ => refuse(
            path,
            format!("the folder {} does not exist; make it, or give another place", folder.display()),
        ),
    }
}

#[cfg(all(test, unix))]
mod tests;
