//! Inputs that ordinary people bring, by kind: for each kind two files or more, with the values that are right.
//!
//! The files stand in `tests/cases` here and in `chainrule-data`. Where kinds were once wrong in silence, the number itself is held.

mod booleans_and_categories;
mod columns;
mod decimal_marks;
mod defaults;
mod f1_class;
mod files;
mod identity;
mod images;
mod loss_domains;
mod missing_words;
mod odd_targets;
mod overwriting;
mod precision;
mod shapes;

use std::path::Path;

use serde_json::Value;

use crate::place::Place;

/// A small network, trained for a moment.
const SMALL: &str = "--layers 8 --epochs 20 --threads 2";

/// A folder with the files of a kind: those of this crate, and those that the readers are tested with as well.
fn case(kind: &str) -> Place {
    let place = Place::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let own = crates.join("chainrule-cli/tests/cases").join(kind);
    for entry in own.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        place.write(&path.file_name().unwrap().to_string_lossy(), &std::fs::read(&path).unwrap());
    }
    let shared = files::SHARED.iter().filter(|(of, _)| *of == kind).flat_map(|(_, files)| files.iter());
    for (name, source) in shared {
        let path = crates.join("chainrule-data/tests/cases").join(source);
        place.write(name, &std::fs::read(&path).unwrap_or_else(|error| panic!("{source}: {error}")));
    }
    assert!(!place.names().is_empty(), "{kind}");
    place
}

/// The message of the note with this code, which is there once.
fn note(value: &Value, code: &str) -> String {
    let messages = notes(value, code);
    assert_eq!(messages.len(), 1, "notes '{code}' in {}", value["notes"]);
    messages.into_iter().next().unwrap()
}

/// The messages of all notes with this code.
fn notes(value: &Value, code: &str) -> Vec<String> {
    let notes = value["notes"].as_array().unwrap().iter();
    let with_code = notes.filter(|note| note["code"] == code);
    with_code.map(|note| note["message"].as_str().unwrap().to_owned()).collect()
}

/// Holds that a text has these words.
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "'{word}' is not in: {text}");
    }
}

/// What `describe --json` says of a column.
fn column<'v>(described: &'v Value, name: &str) -> &'v Value {
    let columns = described["columns"].as_array().unwrap();
    let found = columns.iter().find(|column| column["name"] == name);
    found.unwrap_or_else(|| panic!("column '{name}' is in {described}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

/// Holds that a column is one of numbers with this least, mean and greatest value. Means are given to 5 digits after the
/// point or so.
fn is_numbers(described: &Value, name: &str, least: f64, mean: f64, greatest: f64) {
    let column = column(described, name);
    assert_eq!(column["type"], "number", "{column}");
    let numbers = &column["numbers"];
    assert_eq!((number(&numbers["minimum"]), number(&numbers["maximum"])), (least, greatest), "{column}");
    let found = number(&numbers["mean"]);
    assert!((found - mean).abs() <= 1e-5 * mean.abs(), "mean {found} is {mean}: {column}");
}

/// The column names of a table.
fn names(described: &Value) -> Vec<&str> {
    let columns = described["columns"].as_array().unwrap();
    columns.iter().map(|column| column["name"].as_str().unwrap()).collect()
}

/// The cells of a CSV text without quotes, the header first.
fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// A column of numbers in a CSV text without quotes.
fn numbers_of(text: &str, name: &str) -> Vec<f64> {
    let rows = cells(text);
    let column = rows[0].iter().position(|header| header == name).unwrap();
    rows[1..].iter().map(|row| row[column].parse().unwrap()).collect()
}

/// The lines of a CSV text below its header.
fn rows(text: &str) -> Vec<&str> {
    text.lines().skip(1).collect()
}

/// How many inputs a model has.
fn inputs(place: &Place, model: &str) -> u64 {
    let inspected = place.json(&format!("inspect {model} --json"));
    inspected["network"]["input_width"].as_u64().unwrap_or_else(|| panic!("inputs in {inspected}"))
}
