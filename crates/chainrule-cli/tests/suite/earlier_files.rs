//! Models and checkpoints of the first format: read and used, or refused with a reason.
//!
//! `tests/data/first-format` holds what the version that wrote them said: predictions as it printed them, numbers in 32 bits.

use std::path::Path;

use crate::place::Place;

fn earlier() -> Place {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/first-format");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        place.write(&path.file_name().unwrap().to_string_lossy(), &std::fs::read(&path).unwrap());
    }
    place
}

#[test]
fn earlier_models_predict_and_are_measured_as_before() {
    let place = earlier();
    assert_eq!(place.good("predict classes.safetensors table.csv"), place.text("classes.csv"));
    let (found, before) = (place.good("predict size.safetensors table.csv"), place.text("size.csv"));
    assert_eq!(found.lines().count(), 61);
    for (found, before) in found.lines().zip(before.lines()).skip(1) {
        let (found, before): (f64, f64) = (found.parse().unwrap(), before.parse().unwrap());
        assert!((found - before).abs() < 1e-5 * before.abs(), "{found} and {before}");
    }
    let measured = |line: &str| place.json(&format!("evaluate {line} --json"));
    let close = |found: &serde_json::Value, before: f64| {
        let found = found.as_f64().unwrap();
        assert!((found - before).abs() < 1e-6 * before, "{found} and {before}");
    };
    let classes = measured("classes.safetensors table.csv");
    close(&classes["accuracy"], 0.733_333_333_333_333_3);
    close(&classes["f1"], 0.636_363_636_363_636_4);
    assert_eq!(classes["f1_class"], "wide", "the class that sorts second, as before");
    close(&measured("size.safetensors table.csv")["rmse"], 7.620_703_4);
    close(&measured("digits.safetensors digits")["accuracy"], 0.214_802_448_525_32);
    for (model, data) in [("classes", "table.csv"), ("size", "table.csv"), ("digits", "digits")] {
        place.good(&format!("inspect {model}.safetensors"));
        place.good(&format!("check {model}.safetensors {data}"));
        place.good(&format!("trace {model}.safetensors {data}"));
    }
}

#[test]
fn parts_of_the_data_of_earlier_models_are_refused_with_the_reason() {
    let place = earlier();
    for (model, data) in [("classes", "table.csv"), ("size", "table.csv"), ("digits", "digits")] {
        for part in ["training", "validation", "test"] {
            place.refused(
                &format!("evaluate {model}.safetensors {data} --part {part}"),
                &["does not say which data it was trained on", "older versions", "train it again", "--part"],
            );
        }
    }
}

#[test]
fn earlier_checkpoints_are_refused_with_the_reason() {
    let place = earlier();
    for flags in ["--epochs 30", "--epochs 40"] {
        place.refused(
            &format!("train table.csv --layers 6,5 {flags} --resume classes.run -o model"),
            &["classes.run", "does not say which data it belongs to", "start the run again"],
        );
    }
}
