//! The explorer's page in a real Chromium: runs the browser tests of `chainrule-explorer/web`, on the page of the program and on
//! the one that it exports.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

const WANTED: &str = "the tests of the explorer's page need Node.js 20 or later with npm, and Chromium; on Debian or \
                      Ubuntu: apt-get install nodejs npm chromium";

#[test]
fn the_page_of_the_program_shows_what_the_oracle_computes() {
    run("server", |_| true);
}

#[test]
fn the_page_as_one_file_shows_the_same() {
    // Those that are about one face alone have run.
    run("file", |name| !matches!(name, "server.test.mjs" | "file.test.mjs"));
}

/// Runs the browser tests of these names on one face of the page.
fn run(face: &str, is_wanted: impl Fn(&str) -> bool) {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../chainrule-explorer/web");
    install(&web);
    let names = web.join("tests").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".test.mjs") && is_wanted(name));
    assert!(!names.is_empty(), "there are no browser tests in {}", web.display());
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(names.iter().map(|name| web.join("tests").join(name)))
        .current_dir(&web)
        .env("CHAINRULE", env!("CARGO_BIN_EXE_chainrule"))
        .env("FACE", face)
        .output()
        .unwrap_or_else(|error| panic!("{WANTED} (node: {error})"));
    let shown = String::from_utf8_lossy(&output.stdout);
    // Where one of them failed, it says why; else the tests did not begin.
    let begun = shown.contains("ℹ fail ");
    let why = if begun { "browser tests failed" } else { WANTED };
    assert!(output.status.success(), "{why}\n{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    // A run of no tests would be green as well.
    let passed =
        shown.lines().find_map(|line| line.strip_prefix("ℹ pass ")).map(|count| count.trim().parse());
    assert!(matches!(passed, Some(Ok(10..))), "{shown}");
    assert!(shown.contains("ℹ skipped 0"), "{shown}");
}

/// The packages that the tests use, as the lock file names them.
fn install(web: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let modified = |path: PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let installed = modified(web.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(web.join("package-lock.json")) {
        return;
    }
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(web)
        .output()
        .unwrap_or_else(|error| panic!("{WANTED} (npm: {error})"));
    assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
}
