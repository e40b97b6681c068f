//! What only root can set up: a full disk, a read-only one, devices that are not the machine's, files of others.
//!
//! `./test` runs these where it may; they are not run without being asked for, since they would fail.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::place::{Place, small_table};

fn done(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
}

/// A file system in memory, as large as its options say, gone at the end of the test.
struct Mounted<'a>(&'a Place, &'a str);

impl<'a> Mounted<'a> {
    fn new(place: &'a Place, name: &'a str, options: &str) -> Self {
        std::fs::create_dir(place.path(name)).unwrap();
        let target = place.path(name);
        done("mount", &["-t", "tmpfs", "-o", options, "tmpfs", target.to_str().unwrap()]);
        Mounted(place, name)
    }

    fn path(&self) -> String {
        self.0.path(self.1).to_str().unwrap().to_owned()
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs root: mounts"]
fn when_the_disk_is_full_training_goes_on_and_the_model_is_saved_where_it_can_be() {
    let place = Place::with(&[("table.csv", &small_table(200))]);
    let disk = Mounted::new(&place, "disk", "size=1m");
    // The model takes 0.3 MiB and the checkpoint 1.3.
    let line = "train table.csv --layers 200x3 --epochs 4 --checkpoint disk/run";
    let run = place.run(&format!("{line} -o disk/model"));
    assert_eq!(run.code, Some(0), "{}{}", run.output, run.errors);
    let notes: Vec<&str> = run.errors.lines().collect();
    assert_eq!(notes.len(), 2, "{}", run.errors);
    assert!(
        notes[0].starts_with("note: the checkpoint of epoch 1 could not be written: disk/run: No space left")
    );
    assert!(notes[0].ends_with("; training goes on"), "{}", notes[0]);
    assert_eq!(notes[1], "note: disk/run: was not written");
    assert!(run.output.contains("\ntrained 4 epochs"), "{}", run.output);
    assert_eq!(names(&place.path("disk")), ["model"], "nothing half stays");
    place.good("inspect disk/model");

    // No room for the model either: it goes to the folder that the program runs in.
    std::fs::remove_file(place.path("disk/model")).unwrap();
    std::fs::write(place.path("disk/fill"), vec![1; 900 << 10]).unwrap();
    let run = place.run(&format!("{line} -o disk/model"));
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    let error = run.errors.lines().last().unwrap();
    let expected =
        "error: the model is in ./model, since its place cannot be written: disk/model: No space left";
    assert!(error.starts_with(expected), "{}", run.errors);
    assert!(run.output.contains("\nmodel      ./model\n"), "{}", run.output);
    assert_eq!(names(&place.path("disk")), ["fill"]);
    let summary = place.run(&format!("{line} -o disk/model --json"));
    let summary: serde_json::Value = serde_json::from_str(&summary.output).unwrap();
    assert_eq!(summary["model"], "./model-2", "nothing is written over");
    assert_eq!(summary["notes"][0]["code"], "checkpoint_not_written");
    place.good("inspect model");

    // What was good before is whole.
    let old = place.read("model");
    std::fs::remove_file(place.path("disk/fill")).unwrap();
    std::fs::write(place.path("disk/model"), &old).unwrap();
    std::fs::write(place.path("disk/fill"), vec![1; 500 << 10]).unwrap();
    place.run(&format!("{line} --seed 1 -o disk/model"));
    assert!(place.read("disk/model") == old);
    drop(disk);
}

#[test]
#[ignore = "needs root: mounts"]
fn when_the_disk_is_full_the_last_good_model_is_saved_where_it_can_be() {
    let place = Place::with(&[("table.csv", &small_table(200))]);
    let _disk = Mounted::new(&place, "disk", "size=64k");
    // What does not fit is left out.
    let _ = std::fs::write(place.path("disk/fill"), vec![1; 1 << 20]);
    let line = "train table.csv --target size --optimizer sgd --learning-rate 3 --schedule constant --warmup 100 \
                --activation relu --layers 20x4 --batch-size 20 --epochs 200 -o disk/model";
    let run = place.run(line);
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    let expected = " is in ./model.last-good.safetensors, since its place cannot be written (disk/model.last-good.safetensors: \
                    No space left";
    assert!(run.errors.contains(expected), "{}", run.errors);
    place.good("inspect model.last-good.safetensors");
    assert_eq!(names(&place.path("disk")), ["fill"]);
}

#[test]
#[ignore = "needs root: mounts"]
fn a_checkpoint_is_written_again_when_there_is_room() {
    let place = Place::with(&[("table.csv", &small_table(200))]);
    let _disk = Mounted::new(&place, "disk", "size=2m");
    std::fs::write(place.path("disk/fill"), vec![1; 1800 << 10]).unwrap();
    let run = place.start("train table.csv --layers 200x3 --epochs 400 --checkpoint disk/run -o model");
    run.wait_for("epoch 40/400");
    std::fs::remove_file(place.path("disk/fill")).unwrap();
    run.wait_until(|| place.path("disk/run").exists(), "checkpoint", String::new);
    run.signal("INT");
    let run = run.end();
    assert_eq!(run.code, Some(130), "{}", run.errors);
    assert!(run.errors.contains("note: disk/run: was written again after epoch "), "{}", run.errors);
    assert!(!run.errors.contains("was not written"), "{}", run.errors);
}

#[test]
#[ignore = "needs root: mounts"]
fn a_read_only_file_system_is_found_before_any_work() {
    let place = Place::with(&[("broken.csv", "a,b\n1\n1,2,3\n")]);
    let disk = Mounted::new(&place, "disk", "size=1m");
    std::fs::write(place.path("disk/model"), crate::place::earlier_model()).unwrap();
    done("mount", &["-o", "remount,ro", &disk.path()]);
    for line in [
        "train broken.csv -o disk/new",
        "train broken.csv -o disk/model",
        "train broken.csv -o model --checkpoint disk/run",
        "predict disk/model broken.csv -o disk/new.csv",
    ] {
        place.refused(line, &["disk/", "Read-only file system"]);
    }
}

#[test]
#[ignore = "needs root: makes devices"]
fn devices_that_are_ours_are_written_into_and_disks_refused() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    let _disk = Mounted::new(&place, "disk", "size=1m,dev");
    let (null, full, block) = (place.path("disk/null"), place.path("disk/full"), place.path("disk/block"));
    done("mknod", &[null.to_str().unwrap(), "c", "1", "3"]);
    done("mknod", &[full.to_str().unwrap(), "c", "1", "7"]);
    // A number that no driver has.
    done("mknod", &[block.to_str().unwrap(), "b", "240", "250"]);
    std::os::unix::fs::symlink("disk/null", place.path("link")).unwrap();
    let inode = std::fs::metadata(&null).unwrap().ino();
    place.good("train table.csv --layers 5 --epochs 2 -o model");
    for name in ["disk/null", "link"] {
        place.good(&format!("train table.csv --layers 5 --epochs 2 -o {name}"));
        place.good(&format!("predict model table.csv -o {name}"));
        place.refused(&format!("train table.csv --checkpoint {name} -o other"), &["no regular file"]);
    }
    let quiet = place
        .script("$CHAINRULE train table.csv --preset fast --layers 5 --epochs 2 -o disk/null > disk/null");
    assert_eq!((quiet.code, quiet.errors.as_str()), (Some(0), ""), "what is thrown away twice is not said");
    let after = std::fs::metadata(&null).unwrap();
    assert!(after.file_type().is_char_device() && after.ino() == inode);
    let run = place.run("predict model table.csv -o disk/full");
    assert_eq!(run.code, Some(2));
    assert_eq!(run.errors, "error: disk/full: No space left on device (os error 28)\n");
    place.refused("train table.csv --layers 5 --epochs 2 -o disk/block", &["is a disk"]);
    place.refused("predict model table.csv -o disk/block", &["is a disk"]);
    assert!(std::fs::symlink_metadata(&block).unwrap().file_type().is_block_device());
}

#[test]
#[ignore = "needs root: gives files away"]
fn the_owner_of_an_existing_file_stays_or_the_file_does() {
    const NOBODY: u32 = 65534;
    let place = Place::with(&[("table.csv", &small_table(60))]);
    let line = "train table.csv --layers 5 --epochs 2 -o model";
    place.good(line);
    let before = place.read("model");
    chown(place.path("model"), Some(NOBODY), Some(NOBODY)).unwrap();
    place.good(&format!("{line} --seed 1"));
    let after = std::fs::metadata(place.path("model")).unwrap();
    assert_eq!((after.uid(), after.gid()), (NOBODY, NOBODY));
    assert!(place.read("model") != before);

    // Who is not root cannot give a file away, nor write to one that is not theirs.
    chown(place.path("model"), Some(0), Some(0)).unwrap();
    std::fs::set_permissions(place.path("."), PermissionsExt::from_mode(0o777)).unwrap();
    let copy = place.path("chainrule");
    std::fs::copy(env!("CARGO_BIN_EXE_chainrule"), &copy).unwrap();
    for (mode, word) in [(0o644, "Permission denied"), (0o666, "belongs to a user or a group")] {
        std::fs::set_permissions(place.path("model"), PermissionsExt::from_mode(mode)).unwrap();
        let script = format!("setpriv --reuid 65534 --regid 65534 --clear-groups ./chainrule {line}");
        let run = place.script(&script);
        assert_eq!(run.code, Some(2), "{mode:o}: {}{}", run.output, run.errors);
        assert!(run.errors.contains(word), "{mode:o}: {}", run.errors);
        assert_eq!(std::fs::metadata(place.path("model")).unwrap().uid(), 0);
    }

    // What another user left beside it, and what one may write but not read.
    let left = place.path(".new.chainrule-part");
    for (owner, code) in [(0, 2), (NOBODY, 0)] {
        std::fs::write(&left, "half a mod").unwrap();
        std::fs::set_permissions(&left, PermissionsExt::from_mode(0o200)).unwrap();
        chown(&left, Some(owner), Some(owner)).unwrap();
        let line = line.replace("-o model", "-o new");
        let script = format!("setpriv --reuid 65534 --regid 65534 --clear-groups ./chainrule {line}");
        let run = place.script(&script);
        assert_eq!(run.code, Some(code), "{owner}: {}{}", run.output, run.errors);
        let reason = ".new.chainrule-part is in the way and cannot be opened (Permission denied (os error 13)); remove it";
        assert_eq!(run.errors.contains(reason), code == 2, "{owner}: {}", run.errors);
    }
}
