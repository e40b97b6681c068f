//! A folder of its own for each test, in which the program runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::{
    io::{Read, Write},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// An empty folder, gone at the end of the test.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Place::new();
        for (name, text) in files {
            place.write(name, text.as_bytes());
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The program with a command line, whose words are separated by spaces.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chainrule"));
        command.args(words(line)).current_dir(self.folder.path());
        command
    }

    /// A script of bash in the folder, in which `$CHAINRULE` is the program.
    #[cfg(target_os = "linux")]
    pub(crate) fn script(&self, script: &str) -> Run {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(self.folder.path());
        Run::of(script, command.env("CHAINRULE", env!("CARGO_BIN_EXE_chainrule")).output().unwrap())
    }

    /// The program as a shell runs it in the foreground: no signal is ignored, though the tests may be run with some ignored.
    #[cfg(target_os = "linux")]
    pub(crate) fn foreground(&self, line: &str) -> Command {
        let mut command = Command::new("env");
        command.args(["--default-signal", env!("CARGO_BIN_EXE_chainrule")]).args(words(line));
        command.current_dir(self.folder.path());
        command
    }

    /// Elsewhere `env` cannot do that.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn foreground(&self, line: &str) -> Command {
        self.command(line)
    }

    /// Starts the program as a shell does in the foreground.
    #[cfg(target_os = "linux")]
    pub(crate) fn start(&self, line: &str) -> Started {
        let mut command = self.foreground(line);
        command.stdin(Stdio::piped());
        Started::new(line, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn run(&self, line: &str) -> Run {
        Run::of(line, self.command(line).output().unwrap())
    }

    /// What the program prints on standard output when all is well: then standard error has notes and nothing else.
    pub(crate) fn good(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "{line}\n{}{}", run.output, run.errors);
        assert!(run.errors.lines().all(|line| line.starts_with("note: ")), "{line}: {}", run.errors);
        run.output
    }

    /// The one JSON object that the program prints. Its list `notes` is what standard error tells people.
    pub(crate) fn json(&self, line: &str) -> Value {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "{line}\n{}{}", run.output, run.errors);
        let value: Value = serde_json::from_str(&run.output)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}", run.output));
        assert!(value.is_object(), "{line}: {}", run.output);
        let notes = value["notes"].as_array().map_or(&[][..], Vec::as_slice);
        let is_code = |code: &str| code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(notes.iter().all(|note| is_code(note["code"].as_str().unwrap())), "{line}: {notes:?}");
        let told: Vec<String> =
            notes.iter().map(|note| format!("note: {}", note["message"].as_str().unwrap())).collect();
        assert_eq!(run.errors.lines().collect::<Vec<_>>(), told, "{line}: notes");
        value
    }

    /// Holds that the program refuses: exit code 2, nothing on standard output, no file written or changed, and a
    /// message with these words.
    pub(crate) fn refused(&self, line: &str, words: &[&str]) -> String {
        let before = self.contents();
        let run = self.run(line);
        assert_eq!(run.code, Some(2), "{line}: exit code\n{}{}", run.output, run.errors);
        assert_eq!(run.output, "", "{line}: standard output");
        let first = run.errors.lines().find(|line| !line.starts_with("note: ")).unwrap_or_default();
        assert!(first.starts_with("error: "), "{line}: {}", run.errors);
        for word in words {
            assert!(run.errors.contains(word), "{line}: '{word}' is not in: {}", run.errors);
        }
        assert!(!run.errors.contains("panicked"), "{line}: {}", run.errors);
        let after = self.contents();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{line}: files");
        for (path, bytes) in before {
            assert!(after[&path] == bytes, "{line}: {} was changed", path.display());
        }
        run.errors
    }

    /// Every regular file below the folder, with its bytes.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if path.is_file() {
                    found.insert(path.clone(), std::fs::read(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.folder.path(), &mut found);
        found
    }

    /// The names of the files directly in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.contents().keys().map(name).collect()
    }
}

/// A program that runs beside the test, which reads what it prints as it comes.
#[cfg(target_os = "linux")]
pub(crate) struct Started {
    line: String,
    child: Child,
    printed: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

#[cfg(target_os = "linux")]
impl Started {
    pub(crate) fn new(line: &str, mut child: Child) -> Self {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (shared, mut output) = (Arc::clone(&printed), child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shared.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Started { line: line.to_owned(), child, printed, reader }
    }

    /// Waits until it has printed this; a minute at most.
    pub(crate) fn wait_for(&self, text: &str) {
        let printed = || String::from_utf8_lossy(&self.printed.lock().unwrap()).into_owned();
        self.wait_until(|| printed().contains(text), &format!("'{text}'"), printed);
    }

    /// Waits until something holds; a minute at most.
    pub(crate) fn wait_until(&self, holds: impl Fn() -> bool, what: &str, state: impl Fn() -> String) {
        let started = Instant::now();
        while !holds() {
            let line = &self.line;
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{line}: no {what} in a minute\n{}",
                state()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let arguments = [&format!("-{name}"), &self.child.id().to_string()];
        assert!(Command::new("kill").args(arguments).status().unwrap().success(), "{}: kill", self.line);
    }

    /// Types on its standard input.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Run {
        let Started { line, child, printed, reader } = self;
        let output = child.wait_with_output().unwrap();
        reader.join().unwrap();
        let stdout = std::mem::take(&mut *printed.lock().unwrap());
        Run::of(&line, Output { stdout, ..output })
    }
}

/// The words of a command line. What is no test of the default preset trains with the fast one, whose networks are plain.
fn words(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.first() == Some(&"train") && !words.contains(&"--preset") {
        words.splice(1..1, ["--preset", "fast"]);
    }
    words
}

/// What a run of the program left.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Run {
    pub(crate) fn of(line: &str, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap_or_else(|_| panic!("{line}: prints text"));
        Run { code: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
    }
}

/// A table of `rows` rows: two numbers, a text, a class of `kind` that they decide, and a number `size`.
pub(crate) fn small_table(rows: usize) -> String {
    let mut text = String::from("width,height,color,size,kind\n");
    for i in 0..rows {
        let (width, height) = ((i * 7 % 11) as f64 / 2.0 - 1.5, (i * 5 % 13) as f64 * 10.0);
        let color = ["red", "green", "blue"][i * 3 % 7 % 3];
        let size = 100.0 + 3.0 * width + height / 5.0;
        let kind = if width * 10.0 < height - 40.0 { "tall" } else { "wide" };
        text += &format!("{width},{height},{color},{size},{kind}\n");
    }
    text
}

/// What a model file looks like from outside: an empty one, which may be written over.
pub(crate) fn earlier_model() -> String {
    let header = r#"{"__metadata__":{"chainrule":"{}"}}"#;
    let length = (header.len() as u64).to_le_bytes();
    String::from_utf8(length.to_vec()).unwrap() + header
}

/// A folder with `table.csv` and `model.safetensors`, trained on it for a moment.
pub(crate) fn trained() -> Place {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    place.good("train table.csv --layers 6,5 --epochs 3 -o model.safetensors");
    place
}
