//! The explorer's page in a real Chromium: runs the browser tests of `chainrule-explorer/web`.

use std::path::{Path, PathBuf};
use std::process::Command;

const WANTED: &str = "the tests of the explorer's page need Node.js 20 or later with npm, and Chromium; on Debian or \
                      Ubuntu: apt-get install nodejs npm chromium";

#[test]
fn the_page_shows_what_the_oracle_computes() {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../chainrule-explorer/web");
    install(&web);
    let mut tests: Vec<PathBuf> =
        web.join("tests").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    tests.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    assert!(!tests.is_empty(), "there are no browser tests in {}", web.display());
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(&tests)
        .current_dir(&web)
        .env("CHAINRULE", env!("CARGO_BIN_EXE_chainrule"))
        .output()
        .unwrap_or_else(|error| panic!("{WANTED} (node: {error})"));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{WANTED}\n{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    // A run of no tests would be green as well.
    let passed =
        shown.lines().find_map(|line| line.strip_prefix("ℹ pass ")).map(|count| count.trim().parse());
    assert!(matches!(passed, Some(Ok(10..))), "{shown}");
    assert!(shown.contains("ℹ skipped 0"), "{shown}");
}

/// The packages that the tests use, as the lock file names them.
fn install(web: &Path) {
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
