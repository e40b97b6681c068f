//! Kind E: no weight that was never trained moves a prediction.

use super::{SMALL, case, has, inputs, notes, number, numbers_of, rows};

#[test]
fn constant_columns_do_not_move_predictions() {
    let place = case("E-constant");
    for (file, constant, useful) in [("year", vec!["year"], 2), ("firmware", vec!["firmware", "site"], 2)] {
        let summary = place.json(&format!("train {file}.csv {SMALL} -o model --json"));
        let told = notes(&summary, "constant_column");
        assert_eq!(told.len(), constant.len(), "{told:?}");
        constant
            .iter()
            .zip(&told)
            .for_each(|(name, message)| has(message, &[&format!("'{name}'"), "left out"]));
        assert_eq!(inputs(&place, "model"), useful);
        let predicted = place.good(&format!("predict model {file}-new.csv"));
        let predicted = rows(&predicted);
        assert!(predicted.len() >= 5, "{predicted:?}");
        assert!(predicted.iter().all(|row| *row == predicted[0]), "{file}: {predicted:?}");
    }
}

#[test]
fn what_is_constant_among_the_training_rows_alone_is_left_out_as_well() {
    // The city and the flag change, and cells are missing, in the rows of the test only: those with the latest days.
    let place = crate::place::Place::new();
    let mut text = String::from("day,city,flag,load,wear\n");
    for i in 0..100 {
        let late = i >= 80;
        let city = if late { "Bergen" } else { "Oslo" };
        let (flag, load) =
            (i32::from(late), if late && i % 2 == 0 { String::new() } else { (i * 7 % 11).to_string() });
        text += &format!("{i},{city},{flag},{load},{}\n", 3 * (i * 7 % 11) + i % 3);
    }
    place.write("t.csv", text.as_bytes());
    let summary = place.json(&format!("train t.csv --time day {SMALL} -o model --json"));
    assert_eq!(notes(&summary, "constant_column").len(), 2, "{summary}");
    assert_eq!(inputs(&place, "model"), 1);
    place.write("new.csv", b"city,flag,load\nOslo,0,5\nBergen,1,5\nHamar,7,5\n");
    let predicted = place.good("predict model new.csv");
    let predicted = rows(&predicted);
    assert!(predicted.iter().all(|row| *row == predicted[0]), "{predicted:?}");
}

#[test]
fn a_gap_that_no_training_row_had_is_the_mean() {
    let place = case("E-constant");
    let table = case("D-decimal-comma").text("trained-with-points.csv").replace(';', ",");
    place.write("trained.csv", table.as_bytes());
    place.good(&format!("train trained.csv {SMALL} --validation 0 --test 0 -o model"));
    let predicted = place.json("predict model never-missing.csv --json");
    let gaps = notes(&predicted, "unlearned_gaps");
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    has(&gaps[0], &["1 missing cell", "'temperature'", "line 3"]);
    has(&gaps[1], &["1 missing cell", "'load'", "line 4"]);
    let mean = |name: &str| {
        let numbers = numbers_of(&table, name);
        numbers.iter().sum::<f64>() / numbers.len() as f64
    };
    let (temperature, load) = (mean("temperature"), mean("load"));
    place.write(
        "means.csv",
        format!("temperature,load\n18.0,50.0\n{temperature},50.0\n18.0,{load}\n").as_bytes(),
    );
    let filled = numbers_of(&place.good("predict model means.csv"), "prediction");
    for (row, filled) in predicted["predictions"].as_array().unwrap().iter().zip(filled) {
        let found = number(&row["prediction"]);
        assert!((found - filled).abs() < 1e-4, "{found} and {filled}");
    }
}
