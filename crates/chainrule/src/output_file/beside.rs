//! Files beside a place, with names of their own and locks: what a process that was killed left there, the next one clears.
//!
//! `.NAME.chainrule-part` is being written and `.NAME.chainrule-lock` claims the place. Whoever has the lock of such a file
//! may remove or rename it; whoever waits for the lock looks again, once it has it, whether the file is still there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Files that are to be gone at the end of the process.
static PRESENT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn present() -> MutexGuard<'static, Vec<PathBuf>> {
    PRESENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every file that is being written, and every lock, for a process that ends at once: from now on no file is
/// renamed into its place, and who tries waits for the end.
pub fn abandon_output_files() {
    let mut present = present();
    for path in present.drain(..) {
        // Whoever ends has nobody to tell.
        let _ = fs::remove_file(path);
    }
    std::mem::forget(present);
}

/// The longest part of a file's name that is repeated in the name beside it, in bytes: systems take 255.
const NAME_BYTES: usize = 200;

/// `.NAME.chainrule-KIND` in the folder of `target`.
pub(super) fn name_beside(target: &Path, kind: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let short = &name[..name.floor_char_boundary(NAME_BYTES)];
    target.with_file_name(format!(".{short}.chainrule-{kind}"))
}

/// Creates the file and locks it; whoever has it removes it with [`remove`]. One that is there was left by a process that was killed, and is replaced, unless its
/// lock is taken: then this waits, or gives none.
pub(super) fn claim(path: &Path, waits: bool) -> io::Result<Option<File>> {
    loop {
        match create(path) {
            Ok(file) => {
                let locked = lock(&file);
                if locked.is_ok() && is_at(&file, path) {
                    return Ok(Some(file));
                }
                forget(&mut present(), path);
                locked?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !clear(path, waits)? {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Creates a file that is not there, as one that is to be gone at the end.
fn create(path: &Path) -> io::Result<File> {
    let mut present = present();
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    present.push(path.to_owned());
    Ok(file)
}

/// Removes a file that was left, if nobody has its lock; says whether to go on.
fn clear(path: &Path, waits: bool) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other(format!("{} is in the way; remove it", path.display())));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    let left = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        left => left?,
    };
    match left.try_lock() {
        Err(TryLockError::WouldBlock) if waits => left.lock()?,
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
        _ if is_at(&left, path) => fs::remove_file(path)?,
        _ => {}
    }
    Ok(true)
}

/// Locks where the file system has locks.
fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        result => result,
    }
}

/// Whether the open file is the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use super::special::identity;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => identity(&open) == identity(&named),
        _ => false,
    }
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// A file that is being written; gone when it is dropped, unless it was renamed into its place.
#[derive(Debug)]
pub(super) struct Aside {
    path: PathBuf,
    file: File,
}

impl Aside {
    /// An empty one, with the mode and the owner of the file at `target` if there is one. Errors name `path`.
    pub(super) fn create(target: &Path, path: &Path) -> Result<Self> {
        let aside = name_beside(target, "part");
        let file = claim(&aside, true).and_then(|file| file.ok_or(io::ErrorKind::WouldBlock.into()));
        let file = file.map_err(|error| {
            let folder = target.parent().unwrap_or(target).display();
            let reason = format!("nothing can be written to the folder {folder}: {error}");
            Error::File { path: path.to_owned(), reason }
        })?;
        let aside = Aside { path: aside, file };
        #[cfg(unix)]
        if let Ok(existing) = fs::metadata(target) {
            aside.take_after(&existing).map_err(|error| {
                let reason = format!(
                    "belongs to a user or a group that a new file cannot be given to ({error}); remove it, or give \
                     another name"
                );
                Error::File { path: path.to_owned(), reason }
            })?;
        }
        Ok(aside)
    }

    #[cfg(unix)]
    fn take_after(&self, existing: &fs::Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};
        let own = self.file.metadata()?;
        let differing = |own: u32, wanted: u32| (own != wanted).then_some(wanted);
        let (user, group) = (differing(own.uid(), existing.uid()), differing(own.gid(), existing.gid()));
        if user.is_some() || group.is_some() {
            fchown(&self.file, user, group)?;
        }
        self.file.set_permissions(existing.permissions())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()
    }

    pub(super) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        let mut present = present();
        fs::rename(&self.path, target)?;
        forget(&mut present, &self.path);
        self.path.clear();
        drop(present);
        // The file itself is synced; some systems cannot sync a folder.
        #[cfg(unix)]
        let _ = File::open(target.parent().unwrap_or(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The claim to a place, given up when it is dropped.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    /// Its lock ends with it.
    _file: File,
}

impl FileLock {
    pub(super) fn new(path: PathBuf, file: File) -> Self {
        FileLock { path, _file: file }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes one of ours, whose lock is still held; one that was renamed has no path any more.
fn remove(path: &Path) {
    let mut present = present();
    if forget(&mut present, path) {
        // What cannot be removed is cleared by the next process.
        let _ = fs::remove_file(path);
    }
}

/// Takes one off the list, if it is there.
fn forget(present: &mut Vec<PathBuf>, path: &Path) -> bool {
    let index = present.iter().position(|known| known == path);
    index.map(|index| present.swap_remove(index)).is_some()
}
