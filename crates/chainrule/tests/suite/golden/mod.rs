//! Twenty short runs whose every bit is written down: what a training run comes to does not change with the code.
//!
//! `tests/data/golden.txt` holds a digest of each run's losses, model file, checkpoint and predictions. A change that is
//! meant to change bits writes it anew: `GOLDEN=write cargo test -p chainrule --test suite golden`.

pub(crate) mod runs;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use chainrule::{InstructionSet, Scalar, instructions};
use tempfile::TempDir;

use runs::{Digest, Run, runs};

/// A line of the file.
fn line<T: Scalar>(run: &Run) -> String {
    let folder = TempDir::new().unwrap();
    let (checkpoint, model) = (folder.path().join("run"), folder.path().join("model"));
    let outcome = run.train::<T>(&mut |trainer| trainer.save(&checkpoint).unwrap());
    outcome.model.save(&model).unwrap();
    let of_file = |path: &Path| {
        let mut digest = Digest::new();
        digest.bytes(&std::fs::read(path).unwrap());
        digest.0
    };
    let mut line = format!("{} {}", run.name, T::NAME);
    for digest in [outcome.losses, of_file(&model), of_file(&checkpoint), outcome.predictions] {
        write!(line, " {digest:016x}").unwrap();
    }
    line
}

#[test]
fn twenty_runs_come_to_the_bits_that_are_written_down() {
    let named = std::env::var_os("CHAINRULE_INSTRUCTIONS").is_some();
    assert_eq!(instructions().unwrap().is_named, named);
    let runs = runs();
    assert_eq!(runs.len(), 20);
    let lines: Vec<String> = runs.iter().flat_map(|run| [line::<f32>(run), line::<f64>(run)]).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden.txt");
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let expected: Vec<&str> = expected.lines().collect();
    let names = "a run's name, number type, and digests of losses, model file, checkpoint and predictions";
    let differ = lines.iter().zip(&expected).filter(|(found, expected)| found != *expected);
    let differ: Vec<String> = differ.map(|(found, expected)| format!("{expected}\n{found}")).collect();
    assert!(differ.is_empty(), "{names}; expected, found:\n{}", differ.join("\n"));
    assert_eq!(lines.len(), expected.len());
}

#[test]
fn the_runs_come_to_the_same_bits_by_every_instruction_set_of_this_machine() {
    let test = "golden::twenty_runs_come_to_the_bits_that_are_written_down";
    for set in InstructionSet::available() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", test]).env("CHAINRULE_INSTRUCTIONS", set.name()).env_remove("GOLDEN");
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{}: {text}", set.name());
    }
}
