//! Kind S: no foreign file is replaced unasked, and column names stay distinct.

use std::collections::BTreeSet;

use super::{SMALL, case, cells};

#[test]
fn a_foreign_file_is_not_replaced() {
    let place = case("S-files");
    place.refused("train wear.csv", &["wear.safetensors", "no model of chainrule", "-o"]);
    place.write("state.safetensors", b"notes of somebody");
    place.refused("train state.csv", &["state.safetensors", "-o"]);
    // A model of this program is replaced, and so is a file that the user names.
    place.good(&format!("train t.csv {SMALL}"));
    let first = place.read("t.safetensors");
    place.good(&format!("train t.csv {SMALL} --seed 1"));
    assert!(place.read("t.safetensors") != first);
    place.good(&format!("train wear.csv {SMALL} -o wear.safetensors"));
    place.good("inspect wear.safetensors");
}

#[test]
fn predictions_of_predictions_have_distinct_names() {
    let place = case("S-files");
    for (file, target, columns) in
        [("state.csv", "state", 3), ("has-prediction.csv", "state", 3), ("t.csv", "cost", 1)]
    {
        place.good(&format!("train {file} {SMALL} -o model"));
        place.good(&format!("predict model {file} --with-inputs -o once.csv"));
        place.good("predict model once.csv --with-inputs -o twice.csv");
        let (once, twice) = (cells(&place.text("once.csv")), cells(&place.text("twice.csv")));
        let distinct: BTreeSet<&String> = twice[0].iter().collect();
        assert_eq!(distinct.len(), twice[0].len(), "{:?}", twice[0]);
        assert_eq!(twice[0].len(), 3 + 2 * columns);
        assert_eq!(twice[0][..once[0].len()], once[0], "{file}: what was there keeps its name");
        // Both are of the same rows, so they are equal.
        for row in &twice[1..] {
            assert_eq!(row[3..3 + columns], row[3 + columns..], "{file}");
        }
        place.good(&format!("train twice.csv --target {target} {SMALL} -o again"));
    }
}
