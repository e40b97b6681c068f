//! Where results go: what is not a regular file is never replaced, and nothing is written over by accident.
//!
//! No test names a device of the machine: a program with a fault would replace it. `root.rs` makes devices of its own.

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::place::{Place, small_table, trained};

fn make_pipe(place: &Place, name: &str) {
    assert!(Command::new("mkfifo").arg(place.path(name)).status().unwrap().success());
}

fn is_pipe(place: &Place, name: &str) -> bool {
    place.path(name).symlink_metadata().unwrap().file_type().is_fifo()
}

const TRAIN: &str = "train table.csv --preset fast --layers 6,5 --epochs 3";

#[test]
fn a_pipe_gets_the_bytes_and_stays_a_pipe() {
    let place = trained();
    let model = place.read("model.safetensors");
    make_pipe(&place, "pipe");
    for (line, expected) in [
        (format!("{TRAIN} -o pipe"), model),
        ("predict model.safetensors table.csv -o pipe".to_owned(), {
            place.good("predict model.safetensors table.csv").into_bytes()
        }),
    ] {
        let run = place.script(&format!("cat pipe > read & $CHAINRULE {line}; wait"));
        assert_eq!(run.code, Some(0), "{line}: {}", run.errors);
        assert!(place.read("read") == expected, "{line}");
        assert!(is_pipe(&place, "pipe"), "{line}");
    }
    // A run cannot be read back from a pipe.
    place.refused(&format!("{TRAIN} --checkpoint pipe -o other"), &["pipe", "no regular file"]);
    assert!(is_pipe(&place, "pipe"));
    // What stands behind the pipe of a shell is one.
    let run = place.script("$CHAINRULE predict model.safetensors table.csv -o >(wc -l); wait");
    assert_eq!(run.output.lines().last().map(str::trim), Some("61"), "{}", run.output);
}

#[test]
fn a_model_comes_through_a_pipe_too() {
    let place = trained();
    let run = place.script("$CHAINRULE predict <(cat model.safetensors) table.csv");
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""));
    assert_eq!(run.output, place.good("predict model.safetensors table.csv"));
    let run = place.script("$CHAINRULE predict <(head -c 2000 model.safetensors) table.csv");
    assert_eq!(run.code, Some(2), "{}", run.output);
    assert!(run.errors.contains("not a complete safetensors file"), "{}", run.errors);
}

#[test]
fn a_pipe_nobody_may_replace_by_default() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    make_pipe(&place, "table.safetensors");
    place.refused("train table.csv --layers 5 --epochs 2", &["table.safetensors", "-o"]);
    assert!(is_pipe(&place, "table.safetensors"));
}

#[test]
fn standard_output_by_its_name_is_appended_to() {
    let place = trained();
    let predictions = place.good("predict model.safetensors table.csv");
    place.write("file", b"kept\n");
    // What /dev/stdout is, in a place where nothing else depends on it.
    symlink("/proc/self/fd/1", place.path("stdout")).unwrap();
    for name in ["stdout", "/dev/fd/1", "/proc/self/fd/1", "file"] {
        place.write("file", b"kept\n");
        let run = place.script(&format!("$CHAINRULE predict model.safetensors table.csv -o {name} >> file"));
        assert_eq!(run.code, Some(0), "{name}: {}", run.errors);
        assert_eq!(place.text("file"), format!("kept\n{predictions}"), "{name}");
    }
    // A run could not be read back from there.
    let run = place.script(&format!("$CHAINRULE {TRAIN} --checkpoint file -o other >> file"));
    assert_eq!(run.code, Some(2), "{}", run.errors);
    assert!(run.errors.contains("file: is the file that standard output goes to; give"), "{}", run.errors);
    place.write("file", b"kept\n");
    place.script("$CHAINRULE predict model.safetensors table.csv -o /dev/fd/5 5>> file");
    assert_eq!(place.text("file"), format!("kept\n{predictions}"));
    let run = place.script(
        "$CHAINRULE predict model.safetensors table.csv -o stdout | head -n 1; exit ${PIPESTATUS[0]}",
    );
    assert_eq!((run.code, run.output.lines().count()), (Some(0), 1), "{}", run.errors);
    // A model through a pipe is the model, and nothing is said in between.
    let run = place.script(&format!("$CHAINRULE {TRAIN} -o stdout | cat > piped"));
    assert!(run.errors.contains("trained 3 epochs"), "{}", run.errors);
    assert!(place.read("piped") == place.read("model.safetensors"));
}

#[test]
fn links_are_followed_and_stay() {
    let place = trained();
    std::fs::create_dir(place.path("far")).unwrap();
    place.write("far/old", b"old");
    symlink("far/old", place.path("link")).unwrap();
    place.good("predict model.safetensors table.csv -o link");
    assert!(place.path("link").is_symlink());
    assert_eq!(place.text("far/old"), place.good("predict model.safetensors table.csv"));
    symlink("nowhere", place.path("dangling")).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    for (name, words) in
        [("dangling", "is a link to nowhere, which does not exist"), ("loop", "symbolic links")]
    {
        for line in [
            format!("predict model.safetensors table.csv -o {name}"),
            format!("{TRAIN} -o {name}"),
            format!("{TRAIN} -o other --checkpoint {name}"),
            format!("plan --layers 4,5,2 -o {name}.svg"),
        ] {
            let _ = symlink(
                if name == "loop" { "loop.svg" } else { "nowhere" },
                place.path(&format!("{name}.svg")),
            );
            place.refused(&line, &[name, words]);
        }
        assert!(place.path(name).is_symlink());
    }
    let socket = UnixListener::bind(place.path("socket")).unwrap();
    place.refused("predict model.safetensors table.csv -o socket", &["socket", "is a socket"]);
    drop(socket);
}

#[test]
fn an_existing_files_mode_stays() {
    let place = trained();
    for mode in [0o600, 0o664, 0o755] {
        std::fs::set_permissions(place.path("model.safetensors"), PermissionsExt::from_mode(mode)).unwrap();
        place.good(&format!("{TRAIN} -o model.safetensors"));
        let found = std::fs::metadata(place.path("model.safetensors")).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, mode, "{found:o} instead of {mode:o}");
    }
}

#[test]
fn outputs_are_told_from_inputs_by_what_they_are() {
    let place = trained();
    place.good(&format!("{TRAIN} --checkpoint run -o other"));
    symlink("table.csv", place.path("link.csv")).unwrap();
    std::fs::hard_link(place.path("model.safetensors"), place.path("hard")).unwrap();
    std::fs::create_dir(place.path("far")).unwrap();
    for line in [
        format!("{TRAIN} -o ./table.csv"),
        format!("{TRAIN} -o link.csv"),
        format!("{TRAIN} --validation link.csv -o far/../table.csv"),
        "train link.csv --layers 5 --epochs 1 -o table.csv".to_owned(),
        format!("{TRAIN} --test link.csv --checkpoint table.csv -o new"),
        format!("{TRAIN} --checkpoint new -o ./new"),
        format!("{TRAIN} --checkpoint far/../new -o new"),
        format!("{TRAIN} --resume run -o run"),
        format!("{TRAIN} --resume run -o ./far/../run"),
        "predict model.safetensors table.csv -o hard".to_owned(),
        "predict model.safetensors link.csv -o table.csv".to_owned(),
    ] {
        place.refused(&line, &["another file of this command", "would be written over"]);
    }
    // A run goes on in its own checkpoint, and a model may stand beside the data that it learned from.
    place.good("train table.csv --layers 6,5 --epochs 4 --resume run --checkpoint ./run -o other");
    place.good("plan --layers 4,5,2 -o curve.svg");
    place.good("plan --layers 4,5,3 -o ./curve.svg");
}

#[test]
fn a_folder_of_images_is_no_place_for_its_own_files() {
    let place = crate::images::folder(false);
    let line = "train images --layers 5 --epochs 1";
    place.refused(&format!("{line} -o images/train-labels-idx1-ubyte"), &["would be written over"]);
    place.good(&format!("{line} -o images/model.safetensors"));
    place.good(&format!("{line} -o images/model.safetensors"));
}

#[test]
fn places_are_checked_before_any_work() {
    let place = trained();
    // Were the data read first, the message would be on them.
    place.write("broken.csv", b"a,b\n1\n1,2,3\n");
    for (line, word) in [
        ("train broken.csv -o nowhere/model", "the folder nowhere does not exist"),
        ("train broken.csv -o model --checkpoint nowhere/run", "the folder nowhere does not exist"),
        ("train broken.csv -o .", "is a folder"),
        ("train broken.csv -o new/", "no name of a file"),
        ("predict model.safetensors broken.csv -o nowhere/file", "the folder nowhere does not exist"),
        ("trace model.safetensors broken.csv -o nowhere/file.json", "the folder nowhere does not exist"),
        ("train broken.csv -o /proc/model", "nothing can be written to the folder /proc"),
    ] {
        place.refused(line, &[word]);
    }
    let _ = std::fs::remove_file(place.path("model"));
    assert_eq!(place.names(), ["broken.csv", "model.safetensors", "table.csv"]);
}

#[test]
fn a_file_in_the_way_of_a_temporary_one_is_told() {
    let place = trained();
    std::fs::create_dir(place.path(".model.safetensors.chainrule-part")).unwrap();
    place.refused(&format!("{TRAIN} -o model.safetensors"), &["is in the way; remove it"]);
}

#[test]
fn what_was_good_before_a_run_diverged_replaces_nothing_else() {
    let place = Place::with(&[("table.csv", &small_table(200)), ("table.last-good.safetensors", "mine")]);
    let line = "train table.csv --target size --optimizer sgd --learning-rate 3 --schedule constant --warmup 100 \
                --activation relu --layers 20x4 --batch-size 20 --epochs 200";
    let run = place.run(line);
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    assert!(run.errors.contains(" is in table.last-good-2.safetensors"), "{}", run.errors);
    assert_eq!(place.text("table.last-good.safetensors"), "mine");
    place.good("inspect table.last-good-2.safetensors");
}
