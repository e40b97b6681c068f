//! Networks of thousands of layers, and files of gigabytes: commands end in time.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::Place;

/// Many times what these commands take. With the square of the layers inspecting and checking would take minutes more; of
/// planning, the engine's tests count the parts.
const LIMIT: Duration = Duration::from_secs(100);

/// What the program prints, if it ends in time.
fn in_time(place: &Place, line: &str) -> String {
    let output = std::fs::File::create(place.path("printed")).unwrap();
    let mut child = place.command(line).stdout(output).stderr(Stdio::inherit()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(20)),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{line}: has not ended after {LIMIT:?}");
            }
        }
    };
    assert!(status.success(), "{line}: {status}");
    place.text("printed")
}

/// A model file of a network that takes 2 inputs, with these tensors, all of the same number.
fn write_model(place: &Place, name: &str, layers: Vec<Value>, tensors: &[(String, Vec<usize>)]) {
    let network = json!({ "input_width": 2, "layers": layers });
    let description = json!({ "format": 1, "network": network, "loss": "mean_squared_error" });
    let mut header = json!({ "__metadata__": { "chainrule": description.to_string() } });
    let mut end = 0;
    for (tensor, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        header[tensor] = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
    }
    let text = header.to_string();
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes.extend(std::iter::repeat_n(0.1f32.to_le_bytes(), end / 4).flatten());
    place.write(name, &bytes);
}

fn dense(width: usize) -> Value {
    json!({ "dense": { "width": width, "activation": "relu" } })
}

#[test]
fn ten_thousand_layers_are_planned_for() {
    let place = Place::new();
    let text = in_time(&place, "plan --layers 8x10000 --threads 2 --memory 12MB --microbatches 1");
    for part in ["best persistent on a grid", "recomputes  +", "chosen", "layers      █"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn two_hundred_thousand_dropout_layers_are_inspected() {
    let place = Place::new();
    let dropouts = std::iter::repeat_n(json!({ "dropout": { "rate": 0.5 } }), 200_000);
    let layers = [dense(3)].into_iter().chain(dropouts).chain([dense(1)]).collect();
    let tensor = |name: &str, shape: &[usize]| (format!("layers.{name}"), shape.to_vec());
    let tensors = [
        tensor("0.weight", &[3, 2]),
        tensor("0.bias", &[3]),
        tensor("1.weight", &[1, 3]),
        tensor("1.bias", &[1]),
    ];
    write_model(&place, "model.safetensors", layers, &tensors);
    let text = in_time(&place, "inspect model.safetensors");
    assert!(text.contains(" 2-200001 ") && text.contains("--json has them all"), "{text}");
    assert!(text.lines().count() < 80, "{text}");
    let whole: Value = serde_json::from_str(&in_time(&place, "inspect model.safetensors --json")).unwrap();
    assert_eq!(whole["network"]["layers"].as_array().unwrap().len(), 200_002);
}

#[test]
fn a_check_of_ten_thousand_layers_says_what_it_left_out() {
    let place = Place::with(&[("table.csv", &crate::place::small_table(40))]);
    place.good(
        "train table.csv --ignore color,kind --target size --layers 8x9999 --epochs 1 -o model.safetensors",
    );
    let text = in_time(&place, "check model.safetensors table.csv --samples 1");
    assert!(text.contains("of 20,000 tensors were NOT checked"), "{text}");
    assert!(text.contains("--all-tensors"), "{text}");
    assert!(text.lines().count() < 120, "{text}");
    // A network of the usual depth is checked whole, and the flag changes nothing.
    place.good("train table.csv --target size --layers 6,5 --epochs 1 -o small.safetensors");
    let check = |flag: &str| place.json(&format!("check small.safetensors table.csv --json {flag}"));
    assert_eq!(check("")["unchecked_tensors"], 0);
    assert_eq!(check(""), check("--all-tensors"));
}

#[cfg(unix)]
#[test]
fn what_is_no_model_is_refused_before_it_is_read() {
    let place = Place::with(&[("table.csv", &crate::place::small_table(40))]);
    for command in ["inspect", "plan"] {
        let run = place.run(&format!("{command} /dev/zero"));
        assert_eq!(run.code, Some(2), "{command}: {}", run.errors);
        assert!(run.errors.contains("not a complete safetensors file"), "{command}: {}", run.errors);
    }
    let large = std::fs::File::create(place.path("large")).unwrap();
    large.set_len(3 << 30).unwrap();
    for line in [
        "inspect large",
        "plan large",
        "predict large table.csv",
        "evaluate large table.csv",
        "check large table.csv",
        "trace large table.csv",
        "explore large table.csv",
    ] {
        let run = place.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.errors);
        assert!(run.errors.contains("not a complete safetensors file"), "{line}: {}", run.errors);
    }
}
