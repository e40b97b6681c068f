//! In WebAssembly, training comes to the same bits: the golden runs, built for `wasm32-unknown-unknown` and run by Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;

use chainrule::Scalar;
use serde_json::Value;

use crate::golden::runs::{Run, runs};

/// Its loss, binary cross-entropy after softmax, takes exponentials and logarithms from the system's library.
const OF_THE_SYSTEM: [&str; 1] = ["softmax-labels"];

/// The output of a command that must succeed.
fn output_of(command: &mut Command, advice: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {advice}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}; {advice}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Builds the module, in the folder where this test was built: a relative name of it, in CARGO_TARGET_DIR, would be another
/// place from here.
fn module() -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder of what is built");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env("CARGO_TARGET_DIR", built);
    cargo.args(["build", "--locked", "--package", "chainrule-in-wasm", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let messages = output_of(&mut cargo, "the target comes with: rustup target add wasm32-unknown-unknown");
    let artifacts = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let files = artifacts.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let mut paths = files.map(|file| PathBuf::from(file.as_str().unwrap()));
    paths.find(|path| path.ends_with("chainrule_in_wasm.wasm")).expect("the module's path")
}

fn digests<T: Scalar>(run: &Run) -> String {
    run.train::<T>(&mut |_| ()).digests().map(|digest| format!("{digest:016x}")).join(" ")
}

#[test]
fn training_in_webassembly_comes_to_the_same_bits() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasm/run.mjs");
    let mut node = Command::new("node");
    let found = output_of(node.arg(script).arg(module()), "Node.js 20 or later is needed");
    let runs = runs();
    let expected: Vec<_> = runs.iter().flat_map(|run| [digests::<f32>(run), digests::<f64>(run)]).collect();
    assert_eq!(found.lines().count(), expected.len());
    let pairs = found.lines().zip(&expected).enumerate();
    let differ: Vec<String> = pairs
        .filter(|(index, (found, expected))| {
            found != expected && !OF_THE_SYSTEM.contains(&runs[index / 2].name)
        })
        .map(|(index, (found, expected))| {
            format!("{} f{}: {expected}\n{found}", runs[index / 2].name, 32 << (index % 2))
        })
        .collect();
    assert!(
        differ.is_empty(),
        "digests of losses, parameters and predictions; here, there:\n{}",
        differ.join("\n")
    );
}
