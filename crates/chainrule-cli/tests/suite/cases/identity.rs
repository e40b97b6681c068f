//! Kinds B, C and H: a run goes on, and a model is tested, with the data it belongs to and no others; a flag's value is taken
//! at its word or refused.

use super::{SMALL, case, number};
use crate::place::Place;

/// Rows of `coin.csv`, changed.
fn changed(place: &Place, name: &str, change: impl Fn(Vec<String>) -> Vec<String>) -> String {
    let lines = change(place.text("coin.csv").lines().map(str::to_owned).collect());
    let name = format!("coin-{name}.csv");
    place.write(&name, (lines.join("\n") + "\n").as_bytes());
    name
}

/// Holds that neither a run nor a test of a model of `file` goes on with `other`.
fn is_refused(place: &Place, other: &str, differs: &str) {
    let words = ["run", "differs", differs];
    place.refused(&format!("train {other} {SMALL} --resume run -o other"), &words);
    for part in ["training", "validation", "test"] {
        let line = format!("evaluate model {other} --part {part}");
        let message = place.refused(&line, &[other, "not what the model was trained on", "--part"]);
        assert!(!message.contains("accuracy"), "{message}");
    }
    // All rows can be measured: somebody may have other data of the same kind.
    assert!(place.run(&format!("evaluate model {other}")).code.is_some());
}

fn goes_on(place: &Place, file: &str) {
    place.good(&format!("train {file} {SMALL} --checkpoint run -o model"));
    place.good(&format!("train {file} {SMALL} --resume run -o again"));
    assert!(place.read("model") == place.read("again"), "{file}");
    for flags in ["--test 0.3", "--validation 0.2", "--seed 1"] {
        let line = format!("train {file} {SMALL} --resume run -o other {flags}");
        place.refused(&line, &["run", "how the rows are split"]);
    }
}

#[test]
fn noise_is_not_tested_on_rows_that_were_learned() {
    let place = case("B-resume");
    goes_on(&place, "noise.csv");
    is_refused(&place, "noise-shuffled.csv", "column 'p' has other values, or its rows are in another order");
    is_refused(&place, "swapped.csv", "column 'p' has other values");
    is_refused(&place, "other.csv", "column 'p' has other values");
    is_refused(&place, "t.csv", "the classes: 'cold', 'hot' instead of 'u', 'v'");
}

#[test]
fn coins_are_not_tested_on_rows_that_were_learned() {
    let place = case("B-resume");
    goes_on(&place, "coin.csv");
    let value = place.json("evaluate model coin.csv --part test --json");
    assert!(number(&value["accuracy"]) < 0.65, "nothing can be learned of coins: {value}");

    let shuffled = changed(&place, "shuffled", |mut lines| {
        lines[1..].rotate_left(100);
        lines
    });
    is_refused(&place, &shuffled, "in another order");
    let swapped = changed(&place, "swapped", |mut lines| {
        let mut names: Vec<&str> = lines[0].split(',').collect();
        names.swap(0, 1);
        lines[0] = names.join(",");
        lines
    });
    is_refused(&place, &swapped, "has other values");
    let one_cell = changed(&place, "one-cell", |mut lines| {
        let rest = lines[201].split_once(',').unwrap().1.to_owned();
        lines[201] = format!("0.999,{rest}");
        lines
    });
    is_refused(&place, &one_cell, "has other values");
    let with = |name: &str, from: [&str; 2], to: [&str; 2]| {
        changed(&place, name, |lines| {
            let replaced = |line: String| {
                let (start, side) = line.rsplit_once(',').unwrap();
                let place = from.iter().position(|class| *class == side);
                place.map_or(line.clone(), |place| format!("{start},{}", to[place]))
            };
            lines.into_iter().map(replaced).collect()
        })
    };
    let flipped = with("flipped", ["heads", "tails"], ["tails", "heads"]);
    is_refused(&place, &flipped, "column 'side' has other values");
    let renamed = with("renamed", ["heads", "tails"], ["kop", "munt"]);
    is_refused(&place, &renamed, "the classes: 'kop', 'munt' instead of 'heads', 'tails'");
    let shorter = changed(&place, "shorter", |mut lines| {
        lines.pop();
        lines
    });
    is_refused(&place, &shorter, "279 rows instead of 280 rows");
}

#[test]
fn patience_is_taken_at_its_word() {
    let place = case("B-resume");
    for file in ["noise.csv", "coin.csv"] {
        place.refused(&format!("train {file} --patience 0"), &["patience", "at least 1"]);
        let line = format!("train {file} --layers 8 --epochs 300 --learning-rate 0.02 --schedule constant");
        let summary = place.json(&format!("{line} --patience 1 -o model --json"));
        assert_eq!(summary["ending"], "stopped_early", "{summary}");
        let (epochs, best) = (&summary["epochs"], &summary["best_epoch"]);
        assert_eq!(epochs.as_u64().unwrap(), best.as_u64().unwrap() + 1, "{summary}");
    }
}
