//! Kind K: numbers as other countries and programs write them have the right size.

use super::{SMALL, case, column, has, is_numbers, note, notes, number};

#[test]
fn numbers_with_other_marks_have_their_size() {
    let place = case("K-written");
    for file in ["swiss", "french-space", "french-nbsp", "french-narrow", "german", "currency"] {
        let described = place.json(&format!("describe {file}.csv --json"));
        is_numbers(&described, "income", 940.0, 4990.89, 9926.3);
        let told = notes(&described, "number_style");
        assert!(told.iter().any(|message| message.contains("'income'")), "{file}: {told:?}");
        match file {
            "swiss" | "french-space" | "french-nbsp" | "french-narrow" => {
                is_numbers(&described, "percent", 0.3, 51.5087, 99.7);
            }
            "german" => is_numbers(&described, "rate", 0.3, 51.5087, 99.7),
            _ => {}
        }
        let summary = place.json(&format!("train {file}.csv {SMALL} -o model --json"));
        assert!(notes(&summary, "text_column").is_empty(), "{file}: {summary}");
        // What was read in training is read again: a row alone does not tell how it is written.
        let text = place.text(&format!("{file}.csv"));
        let mut lines = text.lines();
        let (header, first) = (lines.next().unwrap(), lines.next().unwrap());
        place.write("one.csv", format!("{header}\n{first}\n").as_bytes());
        let (one, all) =
            (place.good("predict model one.csv"), place.good(&format!("predict model {file}.csv")));
        assert_eq!(one.lines().nth(1), all.lines().nth(1), "{file}");
    }
}

#[test]
fn decimal_commas_of_features_are_found() {
    let place = case("K-written");
    let described = place.json("describe load-comma.csv --json");
    is_numbers(&described, "temperature", 5.3, 18.096, 30.0);
    is_numbers(&described, "load", 10.1, 48.4805, 89.9);
    has(&note(&described, "number_style"), &["'temperature', 'load'", "decimal comma"]);
    let described = place.json("describe depth-comma.csv --json");
    let points = place.text("depth-comma.csv").replace(',', ".").replace(';', ",");
    place.write("points.csv", points.as_bytes());
    let with_points = place.json("describe points.csv --json");
    for name in ["width", "depth"] {
        assert_eq!(column(&described, name), column(&with_points, name));
    }
}

#[test]
fn thousands_of_features_are_found_or_the_two_ways_are_named() {
    let place = case("K-written");
    let described = place.json("describe income.csv --json");
    is_numbers(&described, "income", 940.0, 4990.43, 9926.0);
    is_numbers(&described, "debt", 300.0, 51508.7, 99700.0);
    has(&note(&described, "ambiguous_comma"), &["'income'", "'debt'", "--decimal ,"]);
    let described = place.json("describe debt.csv --json");
    for name in ["income", "debt"] {
        let numbers = &column(&described, name)["numbers"];
        assert!(number(&numbers["maximum"]) > 1000.0, "{numbers}");
        assert_eq!(number(&numbers["maximum"]).fract(), 0.0, "{numbers}");
    }
    let described = place.json("describe income.csv --decimal , --json");
    // 940 stays what it is.
    is_numbers(&described, "income", 1.007, 16.822_337, 955.0);
    assert!(notes(&described, "ambiguous_comma").is_empty(), "{described}");

    // 462 beside 9.725: the point stands between thousands.
    let described = place.json("describe german-ambiguous.csv --json");
    is_numbers(&described, "income", 7.0, 2909.18, 9821.0);
    has(&note(&described, "thousands_point"), &["'income'", "--decimal ."]);
    let described = place.json("describe german3.csv --json");
    assert!(number(&column(&described, "income")["numbers"]["maximum"]) > 1000.0, "{described}");
    assert_eq!(notes(&described, "thousands_point").len(), 1);
    let described = place.json("describe german3.csv --decimal . --json");
    assert!(number(&column(&described, "income")["numbers"]["maximum"]) < 1000.0, "{described}");
}

#[test]
fn a_sum_below_the_rows_is_no_row() {
    let place = case("K-written");
    for (file, line, word, rows, target, greatest) in
        [("sum.csv", 132, "'Sum'", 130, "wear", 16.58), ("total.csv", 122, "'Total'", 120, "cost", 24.0)]
    {
        let described = place.json(&format!("describe {file} --json"));
        has(&note(&described, "totals"), &[&format!("line {line}"), word]);
        assert_eq!(described["rows"], rows);
        assert_eq!(number(&column(&described, target)["numbers"]["maximum"]), greatest);
        let first = described["columns"][0].clone();
        assert_eq!((&first["type"], &first["missing"]), (&"number".into(), &0.into()), "{first}");
        let summary = place.json(&format!("train {file} {SMALL} -o model --json"));
        has(&note(&summary, "totals"), &[word]);
    }
}
