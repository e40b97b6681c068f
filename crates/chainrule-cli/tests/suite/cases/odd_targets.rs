//! Kind D: one odd cell among the numbers of a target makes no classes of them, and marks are read the way they are meant.

use super::{SMALL, case, has, is_numbers, note, number, numbers_of, rows};

#[test]
fn one_odd_cell_is_an_error_with_its_place() {
    let place = case("D-target-one-word");
    for (file, line, column, cell) in [
        ("unknown.csv", 52, "cost", "unknown"),
        ("dash.csv", 52, "cost", "-"),
        ("nd.csv", 90, "wear", "n.d."),
        ("unit.csv", 43, "wear", "7.5 mm"),
        ("tbd.csv", 151, "wear", "to be measured"),
        ("comma.csv", 22, "wear", "7,5"),
    ] {
        let at = format!("{file}, line {line}, column '{column}'");
        let message = place.refused(
            &format!("train {file}"),
            &[&at, &format!("'{cell}' is not a number"), "--task classification"],
        );
        // A flag that takes words between commas would take 7 and 5 for missing.
        assert_eq!(message.contains(&format!("--missing '{cell}'")), cell != "7,5", "{message}");
        has(&place.good(&format!("describe {file}")), &[&at]);
    }
}

#[test]
fn the_ways_out_that_an_error_names_are_open() {
    let place = case("D-target-one-word");
    for (file, word, line, rows) in [("unknown.csv", "unknown", 52, 300), ("nd.csv", "n.d.", 90, 150)] {
        let summary = place.json(&format!("train {file} {SMALL} --missing {word} -o model --json"));
        has(&note(&summary, "missing_target"), &[&format!("line {line}")]);
        let all = [&summary["training_rows"], &summary["validation"]["rows"], &summary["test"]["rows"]];
        assert_eq!(all.into_iter().map(|part| part.as_u64().unwrap()).sum::<u64>(), rows - 1);
        assert!(summary["test"]["rmse"].is_number(), "{summary}");
        let summary = place.json(&format!("train {file} {SMALL} --task classification -o model --json"));
        has(&note(&summary, "rare_classes"), &["can hardly be learned"]);
        assert!(summary["test"]["accuracy"].is_number(), "{summary}");
    }
}

#[test]
fn a_target_with_decimal_commas_is_a_number() {
    let place = case("D-decimal-comma");
    for file in ["all.csv", "target-only.csv", "trained-with-points.csv"] {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(described["task"], "regression", "{file}");
        is_numbers(&described, "wear", -2.38, 7.58347, 16.88);
        let style = super::notes(&described, "number_style");
        assert_eq!(style.is_empty(), file == "trained-with-points.csv", "{style:?}");
    }
    let mut errors = Vec::new();
    for file in ["all.csv", "target-only.csv", "trained-with-points.csv"] {
        errors.push(place.json(&format!("train {file} {SMALL} -o model --json"))["test"]["rmse"].clone());
    }
    assert!(errors.iter().all(|error| *error == errors[0]), "the same numbers: {errors:?}");

    let points = place.text("train-dot.csv").replace(';', ",");
    let costs = numbers_of(&points, "cost");
    let (least, greatest) =
        (costs.iter().copied().fold(f64::MAX, f64::min), costs.iter().copied().fold(f64::MIN, f64::max));
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    for file in ["train-dot.csv", "target.csv"] {
        let described = place.json(&format!("describe {file} --json"));
        is_numbers(&described, "cost", least, mean, greatest);
    }
    // Costs in halves, and features with points.
    let described = place.json("describe target2.csv --json");
    let found = number(&super::column(&described, "cost")["numbers"]["mean"]);
    assert!((found - 6.245_833).abs() < 1e-5, "{found}");
    assert_eq!(described["task"], "regression");
}

#[test]
fn data_with_commas_suit_a_model_of_data_with_points() {
    let place = case("D-decimal-comma");
    for (trained, new) in [
        ("trained-with-points.csv", "new-with-commas.csv"),
        ("train-dot.csv", "new-comma.csv"),
        ("target.csv", "new-comma.csv"),
    ] {
        place.good(&format!("train {trained} {SMALL} -o model"));
        let known = place.good(&format!("predict model {trained}"));
        let found = place.good(&format!("predict model {new}"));
        let (known, found) = (rows(&known), rows(&found));
        assert!(found.len() >= 3, "{new}");
        assert_eq!(found, known[..found.len()], "{new}: the first rows of {trained}");
    }
}

#[test]
fn thousands_are_not_ones() {
    let place = case("D-thousands");
    let described = place.json("describe wear.csv --json");
    is_numbers(&described, "wear", 117_620.0, 127_583.0, 136_880.0);
    has(&note(&described, "ambiguous_comma"), &["'wear'", "--decimal ,"]);
    let described = place.json("describe target-millions.csv --json");
    let wear = super::column(&described, "wear");
    assert!((number(&wear["numbers"]["mean"]) - 2_127_580.0).abs() < 10.0, "{wear}");
    for file in ["wear.csv", "target-millions.csv", "target.csv", "german.csv"] {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(described["task"], "regression", "{file}");
    }
    let described = place.json("describe target.csv --json");
    assert!(number(&super::column(&described, "price")["numbers"]["minimum"]) > 10_000.0);
    assert_eq!(super::notes(&described, "ambiguous_comma").len(), 1);

    // 224.000 beside 18.3: nothing tells, so both ways are named, and the flag takes the other one.
    let read = |flags: &str| {
        let described = place.json(&format!("describe german.csv --json {flags}"));
        let told = super::notes(&described, "ambiguous_point");
        (number(&super::column(&described, "price")["numbers"]["mean"]), told)
    };
    let (ones, told) = read("");
    has(&told[0], &["'price'", "--thousands ."]);
    let (thousands, told) = read("--thousands .");
    assert!(told.is_empty(), "{told:?}");
    assert!((thousands - 1000.0 * ones).abs() < 1e-6 * thousands, "{thousands} and {ones}");
}
