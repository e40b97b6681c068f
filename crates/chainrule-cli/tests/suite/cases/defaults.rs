//! Kind R: what is chosen where nothing is said is told of, with the flag for the other way.

use super::{SMALL, case, has, inputs, note, notes, number};

#[test]
fn numbers_as_classes_are_warned_of() {
    let place = case("R-defaults");
    for (file, target, classes) in [("price.csv", "price", 134), ("float-classes.csv", "cost", 117)] {
        let summary = place.json(&format!("train {file} --task classification {SMALL} -o model --json"));
        has(
            &note(&summary, "numbers_as_classes"),
            &[&classes.to_string(), &format!("'{target}'"), "--task regression"],
        );
        has(&note(&summary, "rare_classes"), &["fewer than 3 rows"]);
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        assert!(summary["test"]["rmse"].is_number(), "{summary}");
    }
}

#[test]
fn whole_numbers_that_may_be_classes_are_told_of() {
    let place = case("R-defaults");
    for (file, target) in [("plates.csv", "plate"), ("letters.csv", "letter")] {
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        has(
            &note(&summary, "whole_number_quantity"),
            &["26 different", &format!("'{target}'"), "--task classification"],
        );
        assert!(summary["test"]["rmse"].is_number());
        let described = place.json(&format!("describe {file} --task classification --json"));
        assert_eq!(described["classes"].as_array().unwrap().len(), 26);
        assert!(notes(&described, "whole_number_quantity").is_empty());
    }
}

#[test]
fn a_column_named_like_a_target_is_not_passed_over_in_silence() {
    let place = case("R-defaults");
    for (file, last, named) in
        [("class.csv", "f2", "class"), ("target.csv", "px2", "target"), ("label-first.csv", "f3", "label")]
    {
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        has(&note(&summary, "default_target"), &[&format!("'{last}'"), &format!("--target {named}")]);
        let summary = place.json(&format!("train {file} --target {named} {SMALL} -o model --json"));
        assert!(notes(&summary, "default_target").is_empty() && summary["test"]["accuracy"].is_number());
    }
    // Where the last column cannot be learned, the error says which one may have been meant.
    place.refused("train pixels.csv", &["pixels.csv", "only one class, '0'", "'pixel3'", "--target 'label'"]);
    place.good(&format!("train pixels.csv --target label {SMALL} -o model"));
}

#[test]
fn counters_of_rows_are_not_learned() {
    let place = case("R-defaults");
    for (file, counter) in [("row-id.csv", "row_id"), ("index.csv", "index"), ("unnamed-0.csv", "Unnamed: 0")]
    {
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        has(
            &note(&summary, "index"),
            &[&format!("'{counter}'"), "left out", &format!("--types '{counter}=number'")],
        );
        if file != "unnamed-0.csv" {
            assert_eq!(inputs(&place, "model"), 1, "{file}");
            place.good(&format!("train {file} --types {counter}=number {SMALL} -o kept"));
            assert_eq!(inputs(&place, "kept"), 2, "{file}");
        }
    }
    // Late from row 71 on: whoever learns the counter is right for the wrong reason.
    let summary = place.json("train row-id.csv --layers 8 --epochs 100 -o model --json");
    assert!(number(&summary["test"]["accuracy"]) < 0.75, "{summary}");
    // A counter by another name is told of.
    let text = place.text("index.csv").replacen("index", "ticks", 1);
    place.write("ticks.csv", text.as_bytes());
    let summary = place.json(&format!("train ticks.csv {SMALL} -o model --json"));
    has(&note(&summary, "row_counter"), &["'ticks'", "--ignore 'ticks'"]);
    place.good(&format!("train ticks.csv --ignore ticks {SMALL} -o model"));
    assert_eq!(inputs(&place, "model"), 1);
}
