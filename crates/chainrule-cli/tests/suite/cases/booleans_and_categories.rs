//! Kind F: spellings of truth are equal, and categories that were not there in training are counted and named.

use super::{SMALL, case, has, note, rows};

#[test]
fn spellings_of_truth_are_equal() {
    let place = case("F-booleans");
    for (trained, new, spellings) in [
        ("paid.csv", "paid-new.csv", 4),
        ("oiled.csv", "oiled-new.csv", 3),
        ("true-train.csv", "true-new.csv", 4),
    ] {
        place.good(&format!("train {trained} {SMALL} -o model"));
        let predicted = place.good(&format!("predict model {new}"));
        let predicted = rows(&predicted);
        let (yes, rest) = predicted.split_at(spellings);
        let no = &rest[..spellings];
        assert!(
            yes.iter().all(|row| *row == yes[0]) && no.iter().all(|row| *row == no[0]),
            "{new}: {predicted:?}"
        );
        assert_ne!(yes[0], no[0], "{new}");
    }
    place.good(&format!("train oiled.csv {SMALL} -o model"));
    let predicted = place.json("predict model oiled-new.csv --json");
    has(&note(&predicted, "unseen_categories"), &["1 cell", "'oiled'", "'maybe'"]);
    let run = place.run("predict model oiled-new.csv");
    has(&run.errors, &["note: 1 cell", "'maybe'"]);
}

#[test]
fn unseen_categories_are_counted_and_named() {
    let place = case("F-unseen");
    for (file, column, count, unseen, known) in [
        ("city", "city", "4 cells", vec!["'OSLO'", "'oslo'", "'Osl'", "'Narvik'"], vec![]),
        ("port", "port", "5 cells", vec!["'KIEL'", "'kiel'", "'Kie'", "'Husum'"], vec![0, 6]),
    ] {
        place.good(&format!("train {file}.csv {SMALL} -o model"));
        let predicted = place.json(&format!("predict model {file}-new.csv --json"));
        let message = note(&predicted, "unseen_categories");
        has(&message, &[count, &format!("'{column}'")]);
        has(&message, &unseen);
        assert!(!message.contains("'Kiel'") && !message.contains("'Lübeck'"), "{message}");
        // A category that was not there is no category: all such rows have one prediction, and known ones another.
        let predictions = predicted["predictions"].as_array().unwrap();
        let unknown: Vec<usize> = (0..predictions.len()).filter(|row| !known.contains(row)).collect();
        assert_eq!(unknown.len().to_string(), count[..1]);
        assert!(unknown.iter().all(|row| predictions[*row] == predictions[unknown[0]]), "{predicted}");
        assert!(known.iter().all(|row| predictions[*row] != predictions[unknown[0]]), "{predicted}");
        let run = place.run(&format!("predict model {file}-new.csv"));
        has(&run.errors, &["note: ", count]);
        has(&run.errors, &unseen);
    }
}
