//! Kind J: what stands for a missing value.

use serde_json::Value;

use super::{SMALL, case, column, has, note, notes, number};
use crate::place::Place;

/// The file with another word in its missing cells.
fn with_word(place: &Place, file: &str, from: &str, to: &str) {
    let text = place.text(file);
    assert!(text.contains(&format!(",{from},")));
    place.write("t.csv", text.replace(&format!(",{from},"), &format!(",{to},")).as_bytes());
}

/// Holds that a column has so many gaps, words taken for them included, and this mean.
fn has_gaps(described: &Value, name: &str, gaps: u64, mean: f64) {
    let column = column(described, name);
    assert_eq!(column["type"], "number", "{column}");
    let found = column["missing"].as_u64().unwrap() + column["odd"].as_u64().unwrap_or(0);
    assert_eq!(found, gaps, "{column}");
    assert!((number(&column["numbers"]["mean"]) - mean).abs() < 1e-3, "{column}");
}

const FILES: [(&str, &str, &str, u64, f64); 2] =
    [("depth.csv", "depth", "nan", 30, 50.118_889), ("load.csv", "load", "NULL", 20, 50.411)];

#[test]
fn the_usual_words_are_missing_without_a_word() {
    let place = case("J-missing");
    for (file, name, word, gaps, mean) in FILES {
        for other in [
            "NaN", "nan", "None", "none", "NULL", "null", "<NA>", "#N/A", "n/a", "N/A", "NA", "-nan", "-NaN",
            "1.#QNAN", "#N/A N/A", "Nan", "?", "",
        ] {
            with_word(&place, file, word, other);
            let described = place.json("describe t.csv --json");
            has_gaps(&described, name, gaps, mean);
            assert!(notes(&described, "odd_words").is_empty(), "{other}: {described}");
        }
        let summary = place.json(&format!("train t.csv {SMALL} -o model --json"));
        has(&note(&summary, "missing_cells"), &["missing cells", &format!("'{name}'")]);
    }
}

#[test]
fn other_words_are_missing_and_told_of() {
    let place = case("J-missing");
    for (file, name, word, gaps, mean) in FILES {
        for other in ["-", "--", ".", "...", "nil", "Nil", "missing", "absent", "\\N"] {
            with_word(&place, file, word, other);
            let described = place.json("describe t.csv --json");
            has_gaps(&described, name, gaps, mean);
            let count = format!("{gaps} cells");
            has(
                &note(&described, "odd_words"),
                &[&count, &format!("'{name}'"), &format!("--missing '{other}'")],
            );
            let summary = place.json(&format!("train t.csv {SMALL} -o model --json"));
            has(&note(&summary, "odd_words"), &[&count, &format!("'{other}'")]);
            // Who says so is not told of it again.
            let described = place.json(&format!("describe t.csv --missing {other} --json"));
            has_gaps(&described, name, gaps, mean);
            assert_eq!(column(&described, name)["missing"], gaps);
            assert!(notes(&described, "odd_words").is_empty(), "{other}: {described}");
        }
    }
    // Two words at once, one of which is among the usual ones.
    let described = place.json("describe two-words.csv --json");
    has_gaps(&described, "load", 20, 50.411);
    has(&note(&described, "odd_words"), &["10 cells", "'not measured'"]);
}

#[test]
fn a_number_stands_for_a_missing_value_where_that_is_said() {
    let place = case("J-missing");
    let described = place.json("describe minus-999.csv --json");
    has_gaps(&described, "load", 0, -44.99);
    for flag in ["-999", "-999.0", "nil,-999"] {
        let described = place.json(&format!("describe minus-999.csv --missing {flag} --json"));
        has_gaps(&described, "load", 20, 50.411);
    }
    place.write("t.csv", place.text("minus-999.csv").replace(",-999,", ",-999.00,").as_bytes());
    has_gaps(&place.json("describe t.csv --missing -999 --json"), "load", 20, 50.411);
    // A model remembers it.
    place.good(&format!("train minus-999.csv --missing -999 {SMALL} -o model"));
    place.write("new.csv", b"temperature,load\n18.0,-999\n18.0,\n18.0,50.4\n");
    let predicted = place.good("predict model new.csv");
    let predicted = super::rows(&predicted);
    assert_eq!(predicted[0], predicted[1]);
    assert_ne!(predicted[0], predicted[2]);
}

#[test]
fn a_missing_target_is_named_and_is_neither_class_nor_value() {
    let place = case("J-missing");
    for (file, line, target, rows) in [("nan-target.csv", 6, "cost", 120), ("one.csv", 35, "wear", 140)] {
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        has(&note(&summary, "missing_target"), &["1 row", &format!("'{target}'"), &format!("line {line}")]);
        let parts = [&summary["training_rows"], &summary["validation"]["rows"], &summary["test"]["rows"]];
        assert_eq!(parts.into_iter().map(|part| part.as_u64().unwrap()).sum::<u64>(), rows - 1);
        assert!(summary["test"]["rmse"].is_number(), "{summary}");
        let measured = place.json(&format!("evaluate model {file} --json"));
        assert_eq!(measured["rows"], rows - 1);
        has(&note(&measured, "missing_target"), &[&format!("line {line}")]);
        let predicted = place.json(&format!("predict model {file} --json"));
        assert_eq!(predicted["rows"], rows, "rows without a target have predictions");
    }
}
