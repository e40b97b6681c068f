//! What is no regular file, or is one that the process was started with, on systems with descriptors.

use std::ffi::CString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What tells a file from every other, whatever it is called.
pub(super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Why what is there is not written into, if it is not.
pub(super) fn reason_to_refuse(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_socket() {
        return Some("is a socket; give the name of a file");
    }
    kind.is_block_device().then_some("is a disk, which would be destroyed; give the name of a file")
}

/// The file that the process was started with, if the path leads to one: by the name of its descriptor, as `/dev/stdout`
/// does, or because it is where standard output or standard error goes.
pub(super) fn descriptor(path: &Path, metadata: &Metadata) -> Option<File> {
    let same = |file: &File| file.metadata().is_ok_and(|other| identity(&other) == identity(metadata));
    let standard = [duplicate(&io::stdout()), duplicate(&io::stderr())];
    standard.into_iter().flatten().find(same).or_else(|| {
        let number = descriptor_number(path)?;
        // SAFETY: the system has just listed the descriptor, and those that the process was started with stay open.
        duplicate(&unsafe { BorrowedFd::borrow_raw(number) })
    })
}

fn duplicate(descriptor: &impl AsFd) -> Option<File> {
    descriptor.as_fd().try_clone_to_owned().ok().map(File::from)
}

/// N where the path leads, link by link, to `/proc/self/fd/N` or `/dev/fd/N`.
fn descriptor_number(path: &Path) -> Option<RawFd> {
    /// As many links as systems follow.
    const LINKS: usize = 40;
    let folders: Vec<_> =
        ["/proc/self/fd", "/dev/fd"].iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect();
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        let folder = match at.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => fs::canonicalize(folder).ok()?,
            _ => fs::canonicalize(".").ok()?,
        };
        if folders.contains(&folder) {
            return at.file_name()?.to_str()?.parse().ok();
        }
        at = folder.join(fs::read_link(&at).ok()?);
    }
    None
}

/// Whether the path leads to where standard output goes, and something can be read there.
pub(super) fn is_standard_output(path: &Path) -> bool {
    let output = duplicate(&io::stdout()).and_then(|file| file.metadata().ok());
    let is_null = |metadata: &Metadata| metadata.file_type().is_char_device() && !io::stdout().is_terminal();
    match (output, fs::metadata(path)) {
        (Some(output), Ok(own)) => identity(&output) == identity(&own) && !is_null(&own),
        _ => false,
    }
}

/// A pipe that has a name, opened at once; none for what is no pipe.
pub(super) fn open_pipe(path: &Path) -> io::Result<Option<File>> {
    if !fs::metadata(path)?.file_type().is_fifo() {
        return Ok(None);
    }
    OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path).map(Some)
}

/// Whether a pipe was not opened because nobody has it open for reading.
pub(super) fn is_without_reader(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}

/// Whether this process may write there. Opening would tell a pipe's reader that there is a writer, or wait for one.
pub(super) fn check_access(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is a string that ends with 0 and outlives the call.
    match unsafe { libc::access(path.as_ptr(), libc::W_OK) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
