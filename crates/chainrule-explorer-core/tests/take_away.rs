//! What is taken away of a step: traces that are verified when they come back, and scripts that PyTorch has run.

mod scripts;

use std::sync::atomic::AtomicBool;

use chainrule_explorer_core::{Answers, EXAMPLES, KEPT_BYTES, Store};
use serde_json::{Value, json};

fn answers(example: &str) -> Answers {
    let start = json!({ "example": example }).to_string();
    Answers::opening(Store::new(KEPT_BYTES), start.as_bytes()).unwrap()
}

fn ask(answers: &Answers, address: &str, body: Option<&Value>) -> Value {
    let body = body.map(|body| body.to_string().into_bytes());
    match answers.ask(address, body.as_deref(), &AtomicBool::new(false)) {
        Ok(answer) => serde_json::from_slice(answer.bytes.as_ref()).unwrap(),
        Err(refusal) => json!(refusal.to_string()),
    }
}

#[test]
fn a_trace_comes_back_and_every_number_of_it_is_verified() {
    for id in EXAMPLES.iter().map(|example| example.id()) {
        let answers = answers(id);
        let iterate = json!({ "kind": "iterate", "count": 2 });
        ask(&answers, "revisions/1/edits", Some(&iterate));
        let file = ask(&answers, "revisions/3/trace", None);
        let opened = ask(&answers, "traces", Some(&file));
        let verified = &opened["verified"];
        assert_eq!(verified["different"], 0, "{id}: {verified}");
        let view = ask(&answers, "revisions/3", None);
        let count = |value: &Value| {
            value["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product::<u64>()
        };
        let numbers: u64 = view["values"].as_array().unwrap().iter().map(count).sum();
        assert_eq!(verified["numbers"], numbers, "{id}");
        assert_eq!(opened["view"]["loss"], view["loss"], "{id}");
        assert_eq!(opened["view"]["iteration"], 2, "{id}");
    }
}

#[test]
fn a_number_that_was_changed_in_a_file_is_found() {
    let answers = answers("3-4-2");
    let file = ask(&answers, "revisions/1/trace", None);
    let place = |name: &str| {
        file["values"].as_array().unwrap().iter().position(|value| value["name"] == name).unwrap()
    };
    // The last bit of delta(1)[3].
    let mut changed = file.clone();
    let number = &mut changed["values"][place("delta.1")]["values"][2];
    *number = json!(f64::from_bits(number.as_f64().unwrap().to_bits() + 1));
    let verified = ask(&answers, "traces", Some(&changed))["verified"].clone();
    assert_eq!(verified["different"], 1, "{verified}");
    let difference = &verified["differences"][0];
    assert_eq!(
        (&difference["name"], &difference["row"], &difference["column"]),
        (&json!("delta.1"), &json!(0), &json!(2))
    );
    assert!(verified["sentence"].as_str().unwrap().starts_with("1 of "), "{verified}");

    let mut less = file.clone();
    less["values"].as_array_mut().unwrap().remove(place("loss"));
    let verified = ask(&answers, "traces", Some(&less))["verified"].clone();
    assert_eq!((&verified["different"], &verified["differences"][0]["in_file"]), (&json!(1), &Value::Null));

    let mut more = file.clone();
    let mut value = file["values"][place("delta.1")].clone();
    value["name"] = json!("delta.9");
    more["values"].as_array_mut().unwrap().push(value);
    let verified = ask(&answers, "traces", Some(&more))["verified"].clone();
    assert!(verified["sentence"].as_str().unwrap().contains("no delta.9"), "{verified}");
    assert_eq!(verified["different"], 1);

    let mut longer = file.clone();
    longer["values"][place("delta.1")]["values"].as_array_mut().unwrap().push(json!(1.0));
    let refused = ask(&answers, "traces", Some(&longer));
    assert_eq!(refused, "delta.1: 5 numbers for the shape [1, 4]");
    let mut vast = file.clone();
    vast["values"][place("delta.1")]["shape"] = json!([1_u64 << 32, 1_u64 << 32]);
    let refused = ask(&answers, "traces", Some(&vast));
    assert_eq!(refused, "delta.1: 4 numbers for the shape [4294967296, 4294967296]");
    let mut twice = file.clone();
    let again = file["values"][place("delta.1")].clone();
    twice["values"].as_array_mut().unwrap().push(again);
    assert_eq!(ask(&answers, "traces", Some(&twice)), "delta.1 is in the file twice");
    let mut other = file.clone();
    other["program"] = json!("chainrule 99.0");
    let verified = ask(&answers, "traces", Some(&other))["verified"].clone();
    assert!(verified["sentence"].as_str().unwrap().contains("The file is of chainrule 99.0"), "{verified}");

    let mut newer = file.clone();
    newer["trace_format"] = json!(2);
    let refused = ask(&answers, "traces", Some(&newer));
    assert!(refused.as_str().unwrap().contains("this program reads trace format 1"), "{refused}");
    assert!(ask(&answers, "traces", Some(&json!({}))).as_str().unwrap().contains("not as expected"));
}

#[test]
fn pytorch_has_run_these_scripts_and_found_the_same_numbers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracle/scripts.txt");
    let result = std::fs::read_to_string(path).unwrap();
    let scripts = scripts::scripts();
    assert!(scripts.len() > 90, "{} scripts", scripts.len());
    let ran: Vec<&str> = result.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(ran.len(), scripts.len(), "{path} has other scripts");
    for (name, script) in &scripts {
        let start = format!("{name}.{:016x}.py: all ", scripts::hash(script));
        assert!(
            ran.iter().any(|line| line.starts_with(&start)),
            "{name} is not the script that was run, or it found a difference; oracle/README.md says how to run them"
        );
    }
}

#[test]
fn a_script_needs_finite_numbers() {
    let answers = answers("xor");
    // Weights so large that z is infinite.
    for column in [0, 1] {
        let edit = json!({ "kind": "set", "name": "weight.1", "row": 0, "column": column, "value": 1e308 });
        ask(&answers, &format!("revisions/{}/edits", column + 1), Some(&edit));
    }
    let edit = json!({ "kind": "set", "name": "a.0", "row": 0, "column": 0, "value": 1e10 });
    ask(&answers, "revisions/3/edits", Some(&edit));
    let refused = answers.ask("revisions/4/pytorch", None, &AtomicBool::new(false)).unwrap_err();
    assert!(refused.to_string().contains("z.1 holds numbers that are not finite"), "{refused}");
}
