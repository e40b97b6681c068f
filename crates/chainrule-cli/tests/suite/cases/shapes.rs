//! Kinds L, M, N and O: the shape of rows, spaces around quotes, files without a header, and separators.

use super::{SMALL, case, column, has, inputs, is_numbers, names, note, notes, number};

#[test]
fn an_unnamed_first_column_is_the_index() {
    let place = case("L-shape");
    for file in [
        "write-csv.csv",
        "names-index.csv",
        "write-table.csv",
        "write-table.txt",
        "index-noname.csv",
        "index-rtable.csv",
    ] {
        let described = place.json(&format!("describe {file} --json"));
        has(&note(&described, "index"), &["the first column has no name", "left out", "--types"]);
        let index = described["columns"][0].clone();
        assert_eq!(index["type"], "index", "{file}: {index}");
        match file {
            "index-noname.csv" | "index-rtable.csv" => {
                assert_eq!(names(&described)[1..], ["width", "depth", "kind"]);
                is_numbers(&described, "width", 1.13, 5.106_167, 8.94);
            }
            _ => {
                assert_eq!(names(&described)[1..], ["temperature", "load", "state"], "{file}");
                let load = number(&column(&described, "load")["numbers"]["mean"]);
                assert!((load - 46.3608).abs() < 1e-3, "{file}: {load}");
            }
        }
        place.good(&format!("train {file} {SMALL} -o model"));
        assert_eq!(inputs(&place, "model"), 2, "{file}: the index is no input");
    }
    let first = place.good("predict model index-rtable.csv --with-inputs");
    has(first.lines().nth(1).unwrap(), &["1,2.07,77.8,cold,"]);
}

#[test]
fn empty_last_columns_go() {
    let place = case("L-shape");
    for (file, told) in [("semicolons.csv", 1), ("rows-only.csv", 0), ("both.csv", 1)] {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(described["columns"].as_array().unwrap().len(), 3, "{file}");
        assert_eq!(notes(&described, "empty_columns").len(), told, "{file}");
        if file != "both.csv" {
            assert_eq!(names(&described), ["temperature", "load", "state"]);
            let load = number(&column(&described, "load")["numbers"]["mean"]);
            assert!((load - 46.3608).abs() < 1e-3, "{file}: {load}");
        }
        place.good(&format!("train {file} {SMALL} -o model"));
        assert_eq!(inputs(&place, "model"), 2, "{file}");
    }
}

#[test]
fn lines_above_the_header_are_skipped() {
    let place = case("L-shape");
    for (file, titles, rows) in [
        ("hash.csv", 0, 130),
        ("title-line.csv", 1, 130),
        ("title-cells.csv", 2, 130),
        ("top.csv", 0, 120),
        ("title.csv", 1, 120),
    ] {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(notes(&described, "title").len(), titles, "{file}");
        assert_eq!(described["rows"], rows, "{file}");
        assert_eq!(names(&described).len(), 3, "{file}");
        match rows {
            130 => is_numbers(&described, "load", 10.1, 46.3608, 89.3),
            _ => is_numbers(&described, "width", 1.13, 5.106_167, 8.94),
        }
    }
    // A line of an error is counted in the file.
    place.write("ragged.csv", (place.text("hash.csv") + "1,2\n").as_bytes());
    let lines = place.text("hash.csv").lines().count();
    place.refused(
        "train ragged.csv",
        &[&format!("ragged.csv, line {}", lines + 1), "expected 3 fields", "found 2"],
    );
}

#[test]
fn a_row_with_too_many_cells_is_an_error_with_its_line() {
    let place = case("L-shape");
    place.refused("train extra-comma.csv", &["extra-comma.csv, line 62", "expected 3 fields", "found 4"]);
    let both = place.text("both.csv").replacen("4.96,46.0,hot,", "4.96,46.0,hot,5", 1);
    place.write("extra.csv", both.as_bytes());
    let described = place.json("describe extra.csv --json");
    assert_eq!(described["columns"].as_array().unwrap().len(), 4, "a column with a value stays");
}

#[test]
fn spaces_around_quotes_are_not_part_of_a_field() {
    let place = case("M-space-quote");
    let described = place.json("describe wear.csv --json");
    assert_eq!(names(&described), ["temperature", "load", "wear"]);
    is_numbers(&described, "wear", -1.32, 7.66193, 16.75);
    is_numbers(
        &described,
        "temperature",
        5.0,
        number(&column(&described, "temperature")["numbers"]["mean"]),
        29.7,
    );
    let described = place.json("describe num.csv --json");
    assert_eq!(names(&described), ["width", "depth", "kind"]);
    let plain = place.text("num.csv").replace('"', "").replace(", ", ",");
    place.write("plain.csv", plain.as_bytes());
    let without = place.json("describe plain.csv --json");
    assert_eq!(described["columns"], without["columns"]);
    for name in ["width", "depth"] {
        assert_eq!(column(&described, name)["type"], "number");
    }
    let described = place.json("describe t.csv --json");
    assert_eq!(described["classes"], serde_json::json!(["cold", "hot"]));

    let described = place.json("describe both-sides.csv --json");
    assert_eq!(described["classes"], serde_json::json!(["fine, really", "worn, really"]));
    for (trained, new) in
        [("both-sides.csv", "both-sides-new.csv"), ("t.csv", "new.csv"), ("num.csv", "new.csv")]
    {
        place.good(&format!("train {trained} {SMALL} -o model"));
        assert!(place.good(&format!("predict model {new}")).lines().count() > 4, "{trained}");
    }
}

#[test]
fn a_header_that_looks_like_a_row_is_told_of() {
    let place = case("N-no-header");
    for (file, rows, first) in
        [("wine-like.csv", 140, "1"), ("text-class.csv", 140, "10.1"), ("iris-like.csv", 120, "2.07")]
    {
        let described = place.json(&format!("describe {file} --json"));
        has(&note(&described, "header_like_a_row"), &["--no-header", &format!("'{first}'")]);
        assert_eq!(described["rows"], rows - 1, "{file}");
        let described = place.json(&format!("describe {file} --no-header --json"));
        assert!(notes(&described, "header_like_a_row").is_empty());
        assert_eq!(described["rows"], rows, "{file}");
        assert_eq!(names(&described), ["column_1", "column_2", "column_3"]);
        let summary = place.json(&format!("train {file} --no-header {SMALL} -o model --json"));
        let parts = [&summary["training_rows"], &summary["validation"]["rows"], &summary["test"]["rows"]];
        assert_eq!(parts.into_iter().map(|part| part.as_u64().unwrap()).sum::<u64>(), rows);
        let measured = place.json(&format!("evaluate model {file} --no-header --part test --json"));
        assert_eq!(measured["loss"], summary["test"]["loss"], "{file}");
    }
    let described = place.json("describe wine-like.csv --no-header --target column_1 --json");
    assert_eq!(described["classes"], serde_json::json!(["1", "2"]));
    let described = place.json("describe years-are-names.csv --json");
    assert_eq!(described["rows"], 140);
    is_numbers(&described, "2023", -1.49, 7.46336, 17.02);
    has(&note(&described, "header_like_a_row"), &["'2021', '2022', '2023'"]);
}

#[test]
fn separators_are_found() {
    let place = case("O-separator");
    let files = [
        "aligned.txt",
        "single-space.txt",
        "pipe-spaces.csv",
        "tab.tsv",
        "mac-semicolon.csv",
        "utf16.csv",
        "excel-sep.csv",
    ];
    for file in files {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(
            (&described["rows"], names(&described)),
            (&130.into(), vec!["temperature", "load", "state"]),
            "{file}"
        );
        is_numbers(&described, "load", 11.4, 52.33, 87.3);
        assert_eq!(described["classes"], serde_json::json!(["fine", "worn"]), "{file}");
        has(&note(&described, "separator"), &["between fields"]);
        place.good(&format!("train {file} {SMALL} -o model"));
    }
    for (file, told) in [("pipe.csv", 1), ("mac.csv", 0)] {
        let described = place.json(&format!("describe {file} --json"));
        assert_eq!(
            (&described["rows"], names(&described)),
            (&120.into(), vec!["width", "depth", "kind"]),
            "{file}"
        );
        is_numbers(&described, "width", 1.13, 5.106_167, 8.94);
        assert_eq!(notes(&described, "separator").len(), told, "{file}");
    }
    for (separator, file) in
        [("pipe", "pipe.csv"), ("|", "pipe.csv"), ("spaces", "aligned.txt"), ("tab", "tab.tsv")]
    {
        place.good(&format!("describe {file} --separator {separator}"));
    }
    place.refused("train latin1.csv", &["latin1.csv", "UTF-8", "--encoding"]);
    for encoding in ["latin-1", "latin1"] {
        let described = place.json(&format!("describe latin1.csv --encoding {encoding} --json"));
        assert_eq!(names(&described), ["température", "load", "état"]);
        assert_eq!(described["classes"], serde_json::json!(["bon", "usé"]));
    }
}
