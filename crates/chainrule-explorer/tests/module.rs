//! The WebAssembly module that pages carry is built from these sources, and answers as this machine does: byte for byte, so that
//! every number has the same bits.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use chainrule_explorer_core::{Answers, EXAMPLES, KEPT_BYTES, Store};
use serde_json::{Value, json};

#[path = "../../chainrule-explorer-wasm/sources.rs"]
mod sources;

/// A session: what it opens, and its questions, each with its body if it has one.
struct Session {
    start: String,
    questions: Vec<(String, Option<String>)>,
}

/// Status and bytes.
type Reply = (u32, Vec<u8>);

/// What the module answers, after where it says that it is from and how it opens.
fn replies_of_module(sessions: &[Session]) -> Vec<Vec<Reply>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node")
        .arg(folder.join("tests/module/run.mjs"))
        .arg(folder.join("web/dist/module.js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}; Node.js 20 or later is needed"));
    let told = |session: &Session| json!({ "start": session.start, "questions": session.questions });
    let told: Vec<Value> = sessions.iter().map(told).collect();
    node.stdin.take().unwrap().write_all(json!(told).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let mut rest = output.stdout.as_slice();
    let mut reply = || {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let (status, length) = (number(&rest[..4]), number(&rest[4..8]) as usize);
        let bytes = rest[8..8 + length].to_vec();
        rest = &rest[8 + length..];
        (status, bytes)
    };
    let replies = |session: &Session| (0..session.questions.len() + 2).map(|_| reply()).collect();
    sessions.iter().map(replies).collect()
}

/// The questions about every value of every example's step, before an iteration and after some, and about what is made of it.
fn questions(example: &str) -> Session {
    let get = |address: String| (address, None);
    let start = json!({ "example": example }).to_string();
    let answers = Answers::opening(Store::new(KEPT_BYTES), start.as_bytes()).unwrap();
    let view = answers.ask("revisions/1", None, &AtomicBool::new(false)).unwrap();
    let view: Value = serde_json::from_slice(view.bytes.as_ref()).unwrap();
    let names = || view["values"].as_array().unwrap().iter().map(|value| value["name"].as_str().unwrap());
    let iterate = json!({ "kind": "iterate", "count": 3 }).to_string();
    let mut questions = vec![("revisions/1/edits".to_owned(), Some(iterate))];
    for revision in [1, 4] {
        questions.push(get(format!("revisions/{revision}")));
        questions.extend(names().map(|name| get(format!("revisions/{revision}/values/{name}"))));
        questions.extend(
            names().map(|name| get(format!("revisions/{revision}/explain?name={name}&row=0&column=0"))),
        );
        for layer in 1..=view["layers"].as_array().unwrap().len() {
            questions.extend([
                get(format!("revisions/{revision}/layer?layer={layer}")),
                get(format!("revisions/{revision}/outer?layer={layer}")),
                get(format!("revisions/{revision}/neuron?layer={layer}&neuron=0&sample=0")),
                get(format!("revisions/{revision}/edge?layer={layer}&to=0&from=1&sample=0")),
                get(format!("revisions/{revision}/matrix?name=weight.{layer}")),
            ]);
        }
        questions.push(get(format!("revisions/{revision}/loss")));
        for kind in ["pass", "lesson"] {
            let film = format!("revisions/{revision}/film");
            let of_kind = format!("kind={kind}&sample=0");
            questions.push(get(format!("{film}?{of_kind}")));
            questions.push(get(format!("{film}/animated?{of_kind}&theme=dark")));
            questions.extend((0..6).map(|frame| {
                let time = f64::from(frame) * 4.3;
                get(format!("{film}/frame?{of_kind}&theme=light&width=1280&height=720&time={time}"))
            }));
        }
        let cell = json!({ "name": "weight.1", "row": 0, "column": 1 }).to_string();
        questions.push((format!("revisions/{revision}/check/cell"), Some(cell)));
        questions.push((format!("revisions/{revision}/check/all"), Some("{}".to_owned())));
    }
    questions.push(get("catalog".to_owned()));
    questions.push(get("revisions/4/document".to_owned()));
    // Refusals are in the same words.
    questions.extend([get("revisions/9".to_owned()), get("nothing".to_owned()), get("documents".to_owned())]);
    questions.push(("revisions/1/edits".to_owned(), Some("{}".to_owned())));
    Session { start, questions }
}

#[test]
fn the_module_that_is_committed_is_built_from_these_sources() {
    let session = Session { start: String::new(), questions: Vec::new() };
    let says = &replies_of_module(&[session])[0];
    let expected = format!("built from sources {:016x}", sources::hash());
    let found = String::from_utf8_lossy(&says[0].1).into_owned();
    assert_eq!(found, expected, "`npm run module` in crates/chainrule-explorer/web builds it anew");
    assert_eq!(says[1].0, 200, "{}", String::from_utf8_lossy(&says[1].1));
}

#[test]
fn every_value_of_every_example_has_the_same_bits_in_webassembly() {
    let sessions: Vec<Session> = EXAMPLES.iter().map(|example| questions(example.id())).collect();
    let found = replies_of_module(&sessions);
    let (mut compared, mut different) = (0, Vec::new());
    for (session, found) in sessions.iter().zip(&found) {
        let answers = Answers::opening(Store::new(KEPT_BYTES), session.start.as_bytes()).unwrap();
        for ((address, body), (status, bytes)) in session.questions.iter().zip(&found[2..]) {
            let body = body.as_ref().map(String::as_bytes);
            let expected = match answers.ask(address, body, &AtomicBool::new(false)) {
                Ok(answer) => (200, answer.bytes.as_ref().to_vec()),
                Err(refusal) => {
                    (refusal.status().into(), chainrule_explorer_core::error_in_json(&refusal.to_string()))
                }
            };
            compared += 1;
            if (expected.0, &expected.1) != (*status, bytes) {
                let place = expected.1.iter().zip(bytes).take_while(|(here, there)| here == there).count();
                let near = |bytes: &[u8]| {
                    let part = &bytes[place.saturating_sub(60)..bytes.len().min(place + 40)];
                    String::from_utf8_lossy(part).into_owned()
                };
                different.push(format!(
                    "{} {address}: {} {}\n  {status} {}",
                    session.start,
                    expected.0,
                    near(&expected.1),
                    near(bytes)
                ));
            }
        }
    }
    assert!(compared > 700, "{compared} replies were compared");
    assert!(
        different.is_empty(),
        "{} of {compared} replies differ; here, there:\n{}",
        different.len(),
        different.join("\n")
    );
}
