//! Files beside a place, with names of their own and locks: what a process that was killed left there, the next one clears.
//!
//! `.NAME.chainrule-part` is being written and `.NAME.chainrule-lock` claims the place. Whoever has the lock of such a file
//! may remove or rename it; whoever waits for the lock looks again, once it has it, whether the file is still there. Nobody
//! waits for ever.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// `.NAME.chainrule-KIND` in the folder of `target`. A name that is repeated in part, or that is no text, is told from others
/// like it by a hash.
pub(super) fn name_beside(target: &Path, kind: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default();
    let text = name.to_string_lossy();
    let mut short = text[..text.floor_char_boundary(NAME_BYTES)].to_owned();
    if name != short.as_str() {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        short += &format!("-{:016x}", hasher.finish());
    }
    target.with_file_name(format!(".{short}.chainrule-{kind}"))
}

/// How long another process is waited for that has the lock of a file which is being written.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Time from one look at a lock to the next.
const LOOK: Duration = Duration::from_millis(5);

/// Creates the file and locks it; whoever has it removes it with [`remove`]. One that is there was left by a process that was
/// killed, and is replaced, unless its lock is taken.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] where its lock is taken, and still is after `patience`; what the system refuses. What is
/// wrong with a file that is there names it.
pub(super) fn claim(path: &Path, patience: Duration) -> io::Result<File> {
    loop {
        match create(path) {
            Ok(file) => {
                // Who clears what was left may have its lock for a moment.
                let locked = lock(&file, path, PATIENCE);
                if locked.is_ok() && is_at(&file, path) {
                    return Ok(file);
                }
                forget(&mut present(), path);
                locked?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => clear(path, patience)?,
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

/// Removes a file that was left, once nobody has its lock.
fn clear(path: &Path, patience: Duration) -> io::Result<()> {
    let in_the_way =
        |why: String| io::Error::other(format!("{} is in the way{why}; remove it", path.display()));
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(in_the_way(String::new())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    // It has the mode of the file that it was to replace, which may not let it be read.
    let left = match File::open(path).or_else(|_| OpenOptions::new().write(true).open(path)) {
        Ok(left) => left,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(in_the_way(format!(" and cannot be opened ({error})"))),
    };
    lock(&left, path, patience)?;
    if is_at(&left, path) {
        fs::remove_file(path).map_err(|error| in_the_way(format!(" and cannot be removed ({error})")))?;
    }
    Ok(())
}

/// Locks the file of that name where the file system has locks, as soon as nobody else has it locked.
fn lock(file: &File, path: &Path, patience: Duration) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(error);
            }
            Err(TryLockError::WouldBlock) if start.elapsed() < patience => std::thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                let reason = format!("another process has {}; wait for its end, or end it", path.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, reason));
            }
            _ => return Ok(()),
        }
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
        let file = claim(&aside, PATIENCE).map_err(|error| {
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
