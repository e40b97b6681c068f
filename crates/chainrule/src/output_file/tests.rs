//! Tests of output files: what is replaced, written into and refused, and what is left behind.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::beside::claim;
use super::{OutputFile, is_same_file, name_beside, write_file};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn reason(path: &Path) -> String {
    OutputFile::at(path).and_then(|output| output.check()).unwrap_err().to_string()
}

#[test]
fn a_file_is_replaced_with_its_mode_and_nothing_stays_beside_it() {
    let (folder, path) = place();
    write_file(&path, b"one").unwrap();
    let (mode, inode) = {
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        (metadata.mode(), metadata.ino())
    };
    let open = File::open(&path).unwrap();
    let output = OutputFile::at(&path).unwrap();
    output.check().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one", "a check changes nothing");
    output.write(b"two").unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!((fs::read(&path).unwrap(), after.mode()), (b"two".to_vec(), mode));
    assert_ne!(after.ino(), inode, "whoever reads the old file goes on reading it");
    assert_eq!(std::io::read_to_string(open).unwrap(), "one");
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn links_are_followed_and_broken_ones_refused() {
    let (folder, path) = place();
    fs::create_dir(folder.path().join("far")).unwrap();
    let target = folder.path().join("far/model");
    fs::write(&target, "one").unwrap();
    symlink("far/model", &path).unwrap();
    write_file(&path, b"two").unwrap();
    assert!(path.is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"two");
    assert!(is_same_file(&path, &target));

    let dangling = folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    assert!(reason(&dangling).contains("is a link to nowhere, which does not exist"));
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    symlink(&other, &one).unwrap();
    symlink(&one, &other).unwrap();
    assert!(reason(&one).contains("symbolic links"), "{}", reason(&one));
    for path in [dangling, one, other] {
        assert!(path.is_symlink(), "{}", path.display());
    }
}

#[test]
fn what_is_no_place_for_a_file_is_refused() {
    let (folder, path) = place();
    assert!(reason(folder.path()).contains("is a folder"));
    assert!(reason(&path.join("model")).contains("does not exist"));
    assert!(reason(Path::new("")).contains("no name of a file"));
    assert!(reason(&folder.path().join("new/")).contains("no name of a file"));
    fs::write(&path, "").unwrap();
    assert!(OutputFile::at(&path.join("below")).is_err());
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(reason(&socket).contains("is a socket"));
    assert_eq!(names(folder.path()), ["model", "socket"]);
}

#[test]
fn a_pipe_is_written_into_and_stays_one() {
    let (folder, path) = place();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = OutputFile::at(&path).unwrap();
    output.check().unwrap();
    assert_eq!(output.file(), None);
    let reader = std::thread::spawn({
        let path = path.clone();
        move || fs::read(path).unwrap()
    });
    output.write(b"all of it").unwrap();
    assert_eq!(reader.join().unwrap(), b"all of it");
    assert!(!fs::metadata(&path).unwrap().is_file());
    let error = output.open_pipe().unwrap_err().to_string();
    assert!(error.contains("model: nobody reads this pipe"), "{error}");
    let reader = File::options().read(true).write(true).open(&path).unwrap();
    assert!(output.open_pipe().unwrap().is_some());
    drop(reader);
    assert!(output.lock().unwrap_err().to_string().contains("no regular file"));
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn the_name_of_a_descriptor_leads_to_its_file_which_only_grows() {
    use std::os::fd::AsRawFd;
    let (folder, path) = place();
    fs::write(&path, "old\n").unwrap();
    let file = File::options().append(true).open(&path).unwrap();
    let link = folder.path().join("link");
    symlink(format!("/dev/fd/{}", file.as_raw_fd()), &link).unwrap();
    let output = OutputFile::at(&link).unwrap();
    output.check().unwrap();
    output.write(b"new\n").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old\nnew\n");
    assert_eq!(names(folder.path()), ["link", "model"]);
    let error = output.lock().unwrap_err().to_string();
    assert!(error.contains("link: is a file that this process was started with"), "{error}");
    let read_only = File::open(&path).unwrap();
    let error = reason(Path::new(&format!("/dev/fd/{}", read_only.as_raw_fd())));
    assert!(error.contains("Bad file descriptor"), "{error}");
}

#[test]
fn what_a_killed_process_left_is_taken_over_and_what_is_in_the_way_is_told() {
    let (folder, path) = place();
    let aside = name_beside(&path, "part");
    fs::write(&aside, "half a mod").unwrap();
    write_file(&path, b"whole").unwrap();
    assert_eq!(names(folder.path()), ["model"]);
    fs::create_dir(&aside).unwrap();
    let error = write_file(&path, b"again").unwrap_err().to_string();
    assert!(error.contains(".model.chainrule-part is in the way"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    let long = folder.path().join("ä".repeat(120));
    write_file(&long, b"a long name").unwrap();
    assert_eq!(fs::read(long).unwrap(), b"a long name");

    // The mode that a file has beside one which nobody reads.
    fs::remove_dir(&aside).unwrap();
    fs::write(&aside, "half a mod").unwrap();
    fs::set_permissions(&aside, Permissions::from_mode(0o200)).unwrap();
    write_file(&path, b"again").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"again");
}

#[test]
fn names_that_are_cut_or_no_text_share_no_file_beside() {
    use std::os::unix::ffi::OsStrExt;
    let beside = |name: &[u8]| name_beside(Path::new(std::ffi::OsStr::from_bytes(name)), "part");
    let long = |end: &str| [&[b'a'; 220], end.as_bytes()].concat();
    let (one, other) = (beside(&long("1")), beside(&long("2")));
    assert_ne!(one, other);
    assert_eq!(one, beside(&long("1")));
    assert!(one.as_os_str().len() < 255);
    assert_ne!(beside(b"model-\xfe"), beside(b"model-\xff"));
    assert_eq!(beside(b"model"), Path::new(".model.chainrule-part"));
}

#[test]
fn a_lock_is_waited_for_but_not_for_ever() {
    let (folder, path) = place();
    let aside = name_beside(&path, "part");
    let holder = File::create(&aside).unwrap();
    holder.lock().unwrap();
    let (start, patience) = (Instant::now(), Duration::from_millis(50));
    let error = claim(&aside, patience).unwrap_err();
    assert!(start.elapsed() >= patience);
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    let reason = format!("another process has {}; wait for its end, or end it", aside.display());
    assert_eq!(error.to_string(), reason);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_file(&path, b"whole"));
        std::thread::sleep(patience);
        assert!(!writer.is_finished(), "it waits");
        drop(holder);
        writer.join().unwrap().unwrap();
    });
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn many_writers_of_one_place_leave_one_whole_file() {
    let (folder, path) = place();
    std::thread::scope(|scope| {
        for writer in 0..8u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    write_file(path, &vec![writer; 10_000]).unwrap();
                }
            });
        }
    });
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() == 10_000 && bytes.iter().all(|&byte| byte == bytes[0]));
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn a_place_has_one_owner_at_a_time() {
    let (folder, path) = place();
    let output = OutputFile::at(&path).unwrap();
    let lock = output.lock().unwrap();
    let error = OutputFile::at(&folder.path().join("./model")).unwrap().lock().unwrap_err().to_string();
    assert!(error.contains("another run writes to it"), "{error}");
    drop(lock);
    assert_eq!(names(folder.path()), [""; 0]);
    // A process that was killed leaves the file, but not its lock.
    fs::write(name_beside(&path, "lock"), "").unwrap();
    drop(output.lock().unwrap());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_nothing_is_told_before_anything_is_written() {
    let error = reason(Path::new("/proc/model"));
    assert!(error.contains("/proc/model: nothing can be written to the folder /proc"), "{error}");
}

#[test]
fn files_are_the_same_by_what_they_are() {
    let (folder, path) = place();
    let again = folder.path().join("far/../model");
    fs::create_dir(folder.path().join("far")).unwrap();
    assert!(is_same_file(&path, &again), "not there yet");
    fs::write(&path, "").unwrap();
    assert!(is_same_file(&path, &again));
    let (hard, other) = (folder.path().join("hard"), folder.path().join("other"));
    fs::hard_link(&path, &hard).unwrap();
    fs::write(&other, "").unwrap();
    assert!(is_same_file(&path, &hard) && !is_same_file(&path, &other));
}
