//! Files as people bring them, in `tests/cases`, and what is right for each: two sets, the second in folders that begin
//! with the letter of their kind. The numbers were computed apart from the reader.

use crate::folder::{InputsOf, assert_error, codes, column, fit_rows, numbers, table};
use chainrule_data::{
    ColumnType, DataError, Dataset, MissingWords, Note, Objective, Preprocessing, ReadOptions, TargetValues,
    Task, read_with,
};

fn case_with(path: &str, options: &ReadOptions) -> Result<Dataset, DataError> {
    read_with(&format!("{}/tests/cases/{path}", env!("CARGO_MANIFEST_DIR")), options)
}

#[track_caller]
fn case(path: &str) -> Dataset {
    case_with(path, &ReadOptions::default()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn codes_of(dataset: &Dataset) -> Vec<&'static str> {
    codes(&dataset.notes)
}

/// The first, the least and the greatest number of a column to the bit, the mean to six digits, and how many are missing,
/// words among the numbers included.
#[track_caller]
fn assert_numbers(dataset: &Dataset, name: &str, expected: [f64; 4], missing: usize) {
    let cells = numbers(dataset, name);
    let present: Vec<f64> = cells.iter().copied().flatten().collect();
    let least = present.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = present.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = present.iter().sum::<f64>() / present.len() as f64;
    let [first, expected_least, expected_greatest, expected_mean] = expected;
    let found = (present[0], least, greatest, cells.len() - present.len());
    assert_eq!(found, (first, expected_least, expected_greatest, missing), "{} {name}", dataset.name);
    assert!(
        (mean - expected_mean).abs() <= 6e-7 * expected_mean.abs(),
        "{} {name}: mean {mean}",
        dataset.name
    );
}

fn find(dataset: &Dataset) -> Result<(Objective, Vec<Note>), DataError> {
    let mut notes = Vec::new();
    Ok((Objective::find(dataset, &[], None, &mut notes)?, notes))
}

#[track_caller]
fn classes(dataset: &Dataset) -> Vec<String> {
    find(dataset).unwrap().0.classes().to_vec()
}

fn all_rows(dataset: &Dataset) -> Vec<usize> {
    (0..dataset.rows()).collect()
}

#[track_caller]
fn fitted(dataset: &Dataset) -> (Preprocessing, Vec<Note>) {
    fit_rows(dataset, None, None, true, &all_rows(dataset)).unwrap()
}

/// The inputs of all rows of a file with what was learned, and the notes of reading and using it.
#[track_caller]
fn used(preprocessing: &Preprocessing, path: &str) -> (Vec<Vec<f64>>, Vec<Note>) {
    let dataset = case_with(path, &preprocessing.read_options(ReadOptions::default())).unwrap();
    let mut notes = dataset.notes.clone();
    let inputs: Vec<f64> = preprocessing.inputs(&dataset, &all_rows(&dataset), 1, &mut notes).unwrap();
    (inputs.chunks(preprocessing.input_width()).map(<[f64]>::to_vec).collect(), notes)
}

// D: one odd cell does not decide a column's type.

#[test]
fn one_odd_cell_in_a_target_is_named() {
    for (path, line, column, cell, counts) in [
        ("target-one-word/dash.csv", 52, "cost", "-", "299 of the 300"),
        ("target-one-word/unit.csv", 52, "cost", "-1 kg", "299 of the 300"),
        ("target-one-word/unknown.csv", 52, "cost", "unknown", "299 of the 300"),
        ("D-target-one-word/nd.csv", 90, "wear", "n.d.", "149 of the 150"),
        ("D-target-one-word/unit.csv", 43, "wear", "7.5 mm", "149 of the 150"),
        ("D-target-one-word/tbd.csv", 151, "wear", "to be measured", "149 of the 150"),
        ("D-target-one-word/comma.csv", 22, "wear", "7,5", "149 of the 150"),
    ] {
        let place = format!("{path}, line {line}, column '{column}': '{cell}' is not a number, but {counts}");
        // A flag that takes words between commas cannot name one with a comma.
        let missing = if cell.contains(',') { String::new() } else { format!("--missing '{cell}'") };
        let found = find(&case(path));
        assert_eq!(found.as_ref().unwrap_err().to_string().contains("--missing"), !missing.is_empty());
        assert_error(found, &[&place, &missing, "--task classification"]);
    }
    // Taken as missing by the flag, the row is left out.
    let missing = MissingWords { also: vec!["n.d.".to_owned()], only_these: false };
    let options = ReadOptions { missing, ..ReadOptions::default() };
    let (objective, notes) = find(&case_with("D-target-one-word/nd.csv", &options).unwrap()).unwrap();
    assert_eq!(
        (objective.task(), objective.has_target(88), codes(&notes)),
        (Task::Regression, false, vec!["missing_target"])
    );
}

#[test]
fn decimal_commas_are_numbers() {
    let dataset = case("decimal-comma/target.csv");
    assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
    assert_numbers(&dataset, "depth", [77.8, 10.2, 88.8, 47.835], 0);
    assert_numbers(&dataset, "cost", [-9.33, -11.69, 24.0, 5.77575], 0);
    assert_eq!(codes_of(&dataset), ["separator", "number_style"]);
    let dataset = case("decimal-comma/target2.csv");
    assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
    assert_numbers(&dataset, "cost", [-9.0, -11.0, 24.5, 6.245833], 0);
    let dataset = case("D-decimal-comma/all.csv");
    assert_numbers(&dataset, "temperature", [19.2, 5.0, 30.0, 17.351333], 0);
    assert_numbers(&dataset, "load", [64.3, 10.2, 89.2, 50.960667], 0);
    for path in [
        "D-decimal-comma/all.csv",
        "D-decimal-comma/target-only.csv",
        "D-decimal-comma/trained-with-points.csv",
    ] {
        let dataset = case(path);
        assert_numbers(&dataset, "wear", [6.79, -2.38, 16.88, 7.583467], 0);
        assert_eq!(find(&dataset).unwrap().0.task(), Task::Regression, "{path}");
    }
}

#[test]
fn commas_in_data_for_a_model_of_points_are_the_same_numbers() {
    for (train, new, rows) in [
        ("D-decimal-comma/trained-with-points.csv", "D-decimal-comma/new-with-commas.csv", 6),
        ("decimal-comma/train-dot.csv", "decimal-comma/new-comma.csv", 4),
    ] {
        let dataset = case(train);
        let (preprocessing, _) = fitted(&dataset);
        let rows: Vec<usize> = (0..rows).collect();
        let expected: Vec<f64> = preprocessing.inputs_of(&dataset, &rows).unwrap();
        assert_eq!(used(&preprocessing, new).0.concat(), expected, "{new}");
    }
}

#[test]
fn thousands_in_a_target_are_never_a_thousandth() {
    let dataset = case("thousands/target.csv");
    assert_numbers(&dataset, "price", [224_000.0, 131_000.0, 325_000.0, 226_986.666_667], 0);
    assert!(codes_of(&dataset).contains(&"ambiguous_comma"));
    let dataset = case("D-thousands/target.csv");
    assert_numbers(&dataset, "wear", [126_790.0, 117_620.0, 136_880.0, 127_583.466_667], 0);
    assert!(codes_of(&dataset).contains(&"ambiguous_comma"));
    let dataset = case("D-thousands/target-millions.csv");
    assert_numbers(&dataset, "wear", [2_126_790.0, 2_117_620.0, 2_136_880.0, 2_127_583.466_667], 0);
    assert_eq!(codes_of(&dataset), ["number_style"]);
    // A point before three digits in every cell says nothing of itself; the flag does.
    let dataset = case("thousands/german.csv");
    assert_numbers(&dataset, "price", [224.0, 131.0, 325.0, 226.986_667], 0);
    assert!(codes_of(&dataset).contains(&"ambiguous_point"));
    let options = ReadOptions { thousands: Some('.'), ..ReadOptions::default() };
    let dataset = case_with("thousands/german.csv", &options).unwrap();
    assert_numbers(&dataset, "price", [224_000.0, 131_000.0, 325_000.0, 226_986.666_667], 0);
    assert_numbers(&dataset, "depth", [18.3, 10.1, 89.8, 50.71], 0);
}

// E: nothing is learned from what never changes.

#[test]
fn constant_columns_are_left_out() {
    let (preprocessing, notes) = fitted(&case("constant-then-changes/train.csv"));
    assert_eq!(preprocessing.input_names(), ["width", "depth"]);
    assert_eq!(codes(&notes), ["constant_column"]);
    assert!(notes[0].message.contains("'year'"), "{notes:?}");
    let (inputs, _) = used(&preprocessing, "constant-then-changes/new.csv");
    assert!(inputs.len() == 5 && inputs.iter().all(|row| *row == inputs[0]), "{inputs:?}");

    let (preprocessing, notes) = fitted(&case("E-constant/train.csv"));
    assert_eq!(preprocessing.input_names(), ["temperature", "load"]);
    assert_eq!(codes(&notes), ["constant_column", "constant_column"]);
    let (inputs, _) = used(&preprocessing, "E-constant/new.csv");
    assert!(inputs.len() == 6 && inputs.iter().all(|row| *row == inputs[0]), "{inputs:?}");

    let (preprocessing, _) = fitted(&case("D-decimal-comma/trained-with-points.csv"));
    let (inputs, notes) = used(&preprocessing, "E-constant/never-missing.csv");
    assert_eq!((inputs[1][0], inputs[2][1]), (0.0, 0.0));
    assert_eq!((inputs[1][1], inputs[2][0]), (inputs[0][1], inputs[0][0]));
    let gaps: Vec<&Note> = notes.iter().filter(|note| note.code == "unlearned_gaps").collect();
    assert!(gaps[0].message.starts_with("1 missing cell in 'temperature', the first on line 3"), "{gaps:?}");
    assert!(gaps[1].message.starts_with("1 missing cell in 'load', the first on line 4"), "{gaps:?}");
}

// F: nothing gets lost in silence at prediction.

#[test]
fn spellings_of_truth_are_equal() {
    for (train, new, yes, no) in [
        ("booleans/train.csv", "booleans/new.csv", 0..4, 4..8),
        ("F-booleans/train.csv", "F-booleans/new.csv", 0..3, 3..6),
        ("F-booleans/true-train.csv", "F-booleans/true-new.csv", 0..4, 4..8),
    ] {
        let dataset = case(train);
        let (preprocessing, _) = fitted(&dataset);
        let (inputs, notes) = used(&preprocessing, new);
        assert!(
            inputs[yes.clone()].iter().all(|row| *row == inputs[yes.start] && row[1] > 0.0),
            "{inputs:?}"
        );
        assert!(inputs[no.clone()].iter().all(|row| *row == inputs[no.start] && row[1] < 0.0), "{inputs:?}");
        match new {
            "F-booleans/new.csv" => {
                assert_eq!(inputs[6][1], 0.0);
                assert_eq!(codes(&notes), ["unseen_categories"]);
                assert!(
                    notes[0].message.starts_with("1 cell in 'oiled'")
                        && notes[0].message.ends_with("'maybe'"),
                    "{notes:?}"
                );
            }
            _ => assert!(notes.is_empty(), "{notes:?}"),
        }
    }
}

#[test]
fn unseen_categories_are_counted_and_named() {
    let (preprocessing, _) = fitted(&case("unseen-category/train.csv"));
    assert_eq!(preprocessing.input_names(), ["width", "city=Bergen", "city=Oslo"]);
    let (inputs, notes) = used(&preprocessing, "unseen-category/new.csv");
    assert!(inputs.iter().all(|row| row[1..] == [0.0, 0.0]), "{inputs:?}");
    assert_eq!(codes(&notes), ["unseen_categories"]);
    assert!(notes[0].message.starts_with("4 cells in 'city' have"), "{notes:?}");
    assert!(notes[0].message.ends_with("'OSLO', 'oslo', 'Osl', 'Narvik'"), "{notes:?}");

    let (preprocessing, _) = fitted(&case("F-unseen/train.csv"));
    let (inputs, notes) = used(&preprocessing, "F-unseen/new.csv");
    assert_eq!(
        inputs.iter().map(|row| &row[1..]).collect::<Vec<_>>(),
        [[1.0, 0.0], [0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2], [0.0, 1.0]]
    );
    assert!(notes[0].message.starts_with("5 cells in 'port' have"), "{notes:?}");
    assert!(notes[0].message.ends_with("'KIEL', 'kiel', 'Kie', 'Husum'"), "{notes:?}");
}

// I: places are those of the file.

#[test]
fn rows_know_their_lines() {
    for (path, name, value, line) in [
        ("loss-row/counts.csv", "n", -1.0, 92),
        ("I-loss-row/visits.csv", "visits", -1.0, 78),
        ("I-loss-row/visits-lines.csv", "visits", -1.0, 87),
        ("I-loss-row/share.csv", "share", 1.2, 52),
    ] {
        let dataset = case(path);
        let row = numbers(&dataset, name).iter().position(|cell| *cell == Some(value)).unwrap();
        assert_eq!(table(&dataset).line(row), Some(line), "{path}");
        assert!(
            dataset.place(row, name).to_string().ends_with(&format!("{path}, line {line}, column '{name}'"))
        );
    }
}

// J: missing words.

#[test]
fn missing_words_leave_a_column_of_numbers() {
    for file in ["NULL", "NaN", "None", "ltNA", "nan"] {
        let dataset = case(&format!("missing-words/{file}.csv"));
        assert_numbers(&dataset, "depth", [42.1, 10.1, 89.8, 50.118889], 30);
        assert_eq!((column(&dataset, "depth").missing(), codes_of(&dataset)), (30, vec![]), "{file}");
    }
    for file in ["hash-na", "slash-na", "angle-na", "minus-nan", "qnan", "none", "Nan", "NULL", "hash-na-na"]
    {
        let dataset = case(&format!("J-missing-words/{file}.csv"));
        assert_numbers(&dataset, "load", [56.3, 10.9, 88.6, 50.411], 20);
        assert_eq!(column(&dataset, "load").missing(), 20, "{file}");
    }
}

#[test]
fn odd_words_among_numbers_are_missing_and_told_of() {
    for (path, name, word, expected, odd) in [
        ("missing-words/NIL.csv", "depth", "nil", [42.1, 10.1, 89.8, 50.118889], 30),
        ("missing-words/dash.csv", "depth", "-", [42.1, 10.1, 89.8, 50.118889], 30),
        ("missing-words/dot.csv", "depth", ".", [42.1, 10.1, 89.8, 50.118889], 30),
        ("missing-words/missing.csv", "depth", "missing", [42.1, 10.1, 89.8, 50.118889], 30),
        ("missing-words/slashN.csv", "depth", "\\N", [42.1, 10.1, 89.8, 50.118889], 30),
        ("J-missing-words/two-dashes.csv", "load", "--", [56.3, 10.9, 88.6, 50.411], 20),
        ("J-missing-words/absent.csv", "load", "absent", [56.3, 10.9, 88.6, 50.411], 20),
        ("J-missing-words/nil.csv", "load", "Nil", [56.3, 10.9, 88.6, 50.411], 20),
        ("J-missing-words/slash-n.csv", "load", "\\N", [56.3, 10.9, 88.6, 50.411], 20),
        ("J-missing-words/dots.csv", "load", "...", [56.3, 10.9, 88.6, 50.411], 20),
        ("J-missing-words/two-words.csv", "load", "not measured", [56.3, 10.9, 88.6, 50.411], 10),
    ] {
        let dataset = case(path);
        let missing = if path.contains("two-words") { 20 } else { odd };
        assert_numbers(&dataset, name, expected, missing);
        assert_eq!(column(&dataset, name).summary().odd, odd, "{path}");
        let (preprocessing, notes) = fitted(&dataset);
        assert!(preprocessing.input_names().contains(&format!("{name} (missing)")), "{path}");
        let note = notes.iter().find(|note| note.code == "odd_words").unwrap();
        assert!(note.message.starts_with(&format!("{odd} cells in '{name}' are no number")), "{note}");
        assert!(note.message.contains(&format!("'{word}'")), "{note}");
        // With the word given, there is nothing to tell.
        let missing_words = MissingWords { also: vec![word.to_owned()], only_these: false };
        let options = ReadOptions { missing: missing_words, ..ReadOptions::default() };
        let dataset = case_with(path, &options).unwrap();
        assert_eq!(
            (column(&dataset, name).missing(), column(&dataset, name).summary().odd),
            (missing, 0),
            "{path}"
        );
    }
    let dataset = case("J-missing-words/minus-999.csv");
    assert_numbers(&dataset, "load", [56.3, -999.0, 88.6, -44.99], 0);
    let missing = MissingWords { also: vec!["-999".to_owned()], only_these: false };
    let options = ReadOptions { missing, ..ReadOptions::default() };
    let dataset = case_with("J-missing-words/minus-999.csv", &options).unwrap();
    assert_numbers(&dataset, "load", [56.3, 10.9, 88.6, 50.411], 20);
}

#[test]
fn a_missing_target_is_named_and_left_out() {
    for (path, line, row, name) in
        [("nan-target/t.csv", 6, 4, "cost"), ("J-nan-target/one.csv", 35, 33, "wear")]
    {
        let (objective, notes) = find(&case(path)).unwrap();
        assert_eq!((objective.task(), objective.has_target(row)), (Task::Regression, false));
        assert_eq!(codes(&notes), ["missing_target"], "{path}");
        let start = format!("1 row without '{name}' is left out, the first on line {line}");
        assert!(notes[0].message.starts_with(&start), "{notes:?}");
    }
}

// K: numbers written another way.

#[test]
fn other_ways_to_write_numbers_are_found() {
    let dataset = case("decimal-comma/features.csv");
    assert_numbers(&dataset, "width", [8.65, 1.05, 8.98, 4.963133], 0);
    assert_numbers(&dataset, "depth", [85.8, 10.7, 89.6, 49.580333], 0);
    let dataset = case("K-decimal-comma/features.csv");
    assert_numbers(&dataset, "temperature", [14.7, 5.3, 30.0, 18.096], 0);
    assert_numbers(&dataset, "load", [50.2, 10.1, 89.9, 48.4805], 0);
    for (path, other) in [
        ("swiss", "percent"),
        ("french-space", "percent"),
        ("french-nbsp", "percent"),
        ("french-narrow", "percent"),
        ("german", "rate"),
        ("currency", ""),
    ] {
        let dataset = case(&format!("K-{path}/income.csv"));
        assert_numbers(&dataset, "income", [4062.2, 940.0, 9926.3, 4990.889375], 0);
        assert!(codes_of(&dataset).contains(&"number_style"), "{path}: {:?}", dataset.notes);
        if !other.is_empty() {
            assert_numbers(&dataset, other, [1.9, 0.3, 99.7, 51.50875], 0);
        }
    }
}

#[test]
fn thousands_are_told_from_decimals() {
    let dataset = case("thousands/features.csv");
    assert_numbers(&dataset, "income", [2908.0, 1039.0, 9036.0, 5251.473333], 0);
    assert_numbers(&dataset, "debt", [18_300.0, 10_100.0, 89_800.0, 50_709.996_667], 0);
    assert!(codes_of(&dataset).contains(&"ambiguous_comma"));
    let dataset = case("K-thousands/features.csv");
    assert_numbers(&dataset, "income", [4062.0, 940.0, 9926.0, 4990.43125], 0);
    assert_numbers(&dataset, "debt", [1900.0, 300.0, 99_700.0, 51_508.737_5], 0);
    let dataset = case("thousands/german3.csv");
    assert_numbers(&dataset, "income", [289.0, 104.0, 9036.0, 2951.61], 0);
    assert_numbers(&dataset, "depth", [18.3, 10.1, 89.8, 50.71], 0);
    assert!(codes_of(&dataset).contains(&"thousands_point"));
    let dataset = case("K-german-ambiguous/income.csv");
    assert_numbers(&dataset, "income", [462.0, 7.0, 9821.0, 2909.18125], 0);
    assert_numbers(&dataset, "rate", [1.9, 0.3, 99.7, 51.50875], 0);
    assert!(codes_of(&dataset).contains(&"thousands_point"));
}

#[test]
fn a_sum_below_the_rows_is_no_row() {
    for (path, line, word) in [("comment-lines/total.csv", 122, "Total"), ("K-total/sum.csv", 132, "Sum")] {
        let dataset = case(path);
        assert_eq!(codes_of(&dataset), ["totals"], "{path}");
        assert!(dataset.notes[0].message.starts_with(&format!("line {line}, '{word}', is left out")));
    }
    let dataset = case("comment-lines/total.csv");
    assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
    assert_numbers(&dataset, "depth", [77.8, 10.2, 88.8, 47.835], 0);
    assert_numbers(&dataset, "cost", [-9.33, -11.69, 24.0, 5.77575], 0);
    let dataset = case("K-total/sum.csv");
    assert_eq!(dataset.rows(), 130);
    assert_numbers(&dataset, "temperature", [7.3, 5.1, 29.9, 16.505385], 0);
    assert_numbers(&dataset, "wear", [0.91, -2.14, 16.58, 7.14], 0);
}

// L: the shape of rows.

#[test]
fn row_names_are_no_input() {
    for path in ["index-noname/t.csv", "index-rtable/t.csv"] {
        let dataset = case(path);
        assert_eq!(column(&dataset, "column_1").kind(), ColumnType::Index, "{path}");
        assert_eq!(codes_of(&dataset), ["index"], "{path}");
        assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
        assert_numbers(&dataset, "depth", [77.8, 10.2, 88.8, 47.835], 0);
        assert_eq!(fitted(&dataset).0.input_names(), ["width", "depth"], "{path}");
        assert_eq!(classes(&dataset), ["cold", "hot"]);
    }
    for path in
        ["L-write-csv/r.csv", "L-names-index/r.csv", "L-write-table/r.csv", "L-write-table/r-spaces.txt"]
    {
        let dataset = case(path);
        assert_eq!(column(&dataset, "column_1").kind(), ColumnType::Index, "{path}");
        assert!(codes_of(&dataset).contains(&"index"), "{path}");
        assert_numbers(&dataset, "temperature", [7.3, 5.2, 30.0, 17.830769], 0);
        assert_numbers(&dataset, "load", [24.2, 10.1, 89.3, 46.360769], 0);
        assert_eq!(fitted(&dataset).0.input_names(), ["temperature", "load"], "{path}");
        assert_eq!(column(&dataset, "state").text(0).as_deref(), Some("fine"), "{path}");
        assert_eq!(classes(&dataset), ["fine", "worn"]);
    }
}

#[test]
fn empty_last_columns_go() {
    let dataset = case("trailing-comma/both.csv");
    assert_eq!(table(&dataset).header(), ["width", "depth", "kind"]);
    assert_eq!(codes_of(&dataset), ["empty_columns"]);
    assert_numbers(&dataset, "depth", [77.8, 10.2, 88.8, 47.835], 0);
    for path in ["L-trailing/semicolons.csv", "L-trailing/rows-only.csv"] {
        let dataset = case(path);
        assert_eq!(table(&dataset).header(), ["temperature", "load", "state"], "{path}");
        assert_numbers(&dataset, "temperature", [7.3, 5.2, 30.0, 17.830769], 0);
        assert_numbers(&dataset, "load", [24.2, 10.1, 89.3, 46.360769], 0);
    }
}

#[test]
fn lines_above_the_header_are_skipped() {
    for (path, expected) in [("comment-lines/top.csv", &[][..]), ("comment-lines/title.csv", &["title"][..])]
    {
        let dataset = case(path);
        assert_eq!(table(&dataset).header(), ["width", "depth", "kind"], "{path}");
        assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
        assert_eq!((dataset.rows(), codes_of(&dataset)), (120, expected.to_vec()), "{path}");
    }
    for path in ["L-top/hash.csv", "L-top/title.csv", "L-top/title-cells.csv"] {
        let dataset = case(path);
        assert_eq!(table(&dataset).header(), ["temperature", "load", "state"], "{path}");
        assert_numbers(&dataset, "load", [24.2, 10.1, 89.3, 46.360769], 0);
        assert_eq!(
            (dataset.rows(), codes_of(&dataset).contains(&"title")),
            (130, path.contains("title")),
            "{path}"
        );
    }
    assert_eq!(table(&case("L-top/hash.csv")).line(0), Some(6));
}

#[test]
fn a_comma_too_many_is_an_error() {
    assert_error(
        case_with("L-ragged/extra-comma.csv", &ReadOptions::default()),
        &["extra-comma.csv, line 62: expected 3 fields, but found 4"],
    );
}

// M: quotes with spaces around them.

#[test]
fn spaces_around_quotes_are_not_part_of_a_field() {
    let dataset = case("space-quote/num.csv");
    assert_eq!(table(&dataset).header(), ["width", "depth", "kind"]);
    assert_numbers(&dataset, "width", [2.89, 1.0, 8.99, 5.2012], 0);
    assert_numbers(&dataset, "depth", [18.3, 10.1, 89.8, 50.71], 0);
    assert_eq!(classes(&dataset), ["cold", "hot"]);
    let dataset = case("space-quote/t.csv");
    assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
    assert_eq!(classes(&dataset), ["cold", "hot"]);
    let dataset = case("M-space-quote/num.csv");
    assert_eq!(table(&dataset).header(), ["temperature", "load", "wear"]);
    assert_numbers(&dataset, "temperature", [19.7, 5.0, 29.7, 16.994667], 0);
    assert_numbers(&dataset, "load", [49.8, 12.0, 89.7, 48.299333], 0);
    assert_numbers(&dataset, "wear", [8.94, -1.32, 16.75, 7.661933], 0);
    let dataset = case("M-space-quote/both-sides.csv");
    assert_eq!(table(&dataset).header(), ["temperature", "load", "state"]);
    assert_eq!(classes(&dataset), ["fine, really", "worn, really"]);
    let (preprocessing, _) = fitted(&dataset);
    let (inputs, _) = used(&preprocessing, "M-space-quote/new.csv");
    assert_eq!(inputs.concat(), preprocessing.inputs_of::<f64>(&dataset, &[0, 1, 2, 3, 4]).unwrap());
}

// N: no header.

#[test]
fn a_header_that_looks_like_a_row_is_told_of() {
    for path in [
        "no-header/iris-like.csv",
        "N-no-header/wine-like.csv",
        "N-no-header/text-class.csv",
        "N-no-header/years-are-names.csv",
    ] {
        assert!(codes_of(&case(path)).contains(&"header_like_a_row"), "{path}: {:?}", case(path).notes);
    }
    let options = ReadOptions { no_header: true, ..ReadOptions::default() };
    let dataset = case_with("no-header/iris-like.csv", &options).unwrap();
    assert_eq!((dataset.rows(), table(&dataset).line(0)), (120, Some(1)));
    assert_numbers(&dataset, "column_1", [2.07, 1.13, 8.94, 5.106167], 0);
    assert_numbers(&dataset, "column_2", [77.8, 10.2, 88.8, 47.835], 0);
    let dataset = case_with("N-no-header/wine-like.csv", &options).unwrap();
    assert_eq!(dataset.rows(), 140);
    assert_numbers(&dataset, "column_1", [1.0, 1.0, 2.0, 1.464286], 0);
    assert_numbers(&dataset, "column_2", [10.1, 5.0, 29.9, 17.021429], 0);
    assert_numbers(&dataset, "column_3", [67.9, 12.9, 89.9, 50.552857], 0);
    let dataset = case_with("N-no-header/text-class.csv", &options).unwrap();
    assert_eq!((dataset.rows(), classes(&dataset)), (140, vec!["fine".to_owned(), "worn".to_owned()]));
    let dataset = case("N-no-header/years-are-names.csv");
    assert_eq!((dataset.rows(), table(&dataset).header()), (140, vec!["2021", "2022", "2023"]));
    assert_numbers(&dataset, "2023", [2.25, -1.49, 17.02, 7.463357], 0);
}

// O: separators and encodings.

#[test]
fn separators_line_ends_and_encodings_are_found() {
    for path in ["separator/pipe.csv", "separator/mac.csv"] {
        let dataset = case(path);
        assert_eq!(
            (dataset.rows(), table(&dataset).header()),
            (120, vec!["width", "depth", "kind"]),
            "{path}"
        );
        assert_numbers(&dataset, "width", [2.07, 1.13, 8.94, 5.106167], 0);
        assert_numbers(&dataset, "depth", [77.8, 10.2, 88.8, 47.835], 0);
    }
    for file in [
        "aligned.txt",
        "single-space.txt",
        "pipe-spaces.csv",
        "tab.tsv",
        "mac-semicolon.csv",
        "utf16.csv",
        "excel-sep.csv",
    ] {
        let dataset = case(&format!("O-separator/{file}"));
        assert_eq!(
            (dataset.rows(), table(&dataset).header()),
            (130, vec!["temperature", "load", "state"]),
            "{file}"
        );
        assert_numbers(&dataset, "temperature", [8.3, 5.1, 29.9, 17.476154], 0);
        assert_numbers(&dataset, "load", [17.3, 11.4, 87.3, 52.33], 0);
        assert_eq!(classes(&dataset), ["fine", "worn"], "{file}");
        assert_eq!(codes_of(&dataset), ["separator"], "{file}");
    }
    assert_error(
        case_with("O-separator/latin1.csv", &ReadOptions::default()),
        &["latin1.csv, line 1, column '1'", "--encoding"],
    );
    for encoding in ["latin-1", "latin1", "ISO-8859-1", "windows-1252"] {
        let options = ReadOptions { encoding: Some(encoding.to_owned()), ..ReadOptions::default() };
        let dataset = case_with("O-separator/latin1.csv", &options).unwrap();
        assert_eq!(table(&dataset).header(), ["température", "load", "état"]);
        assert_numbers(&dataset, "load", [17.3, 11.4, 87.3, 52.33], 0);
        assert_eq!(classes(&dataset), ["bon", "usé"]);
    }
}

// R: defaults are told of.

#[test]
fn defaults_are_told_of() {
    for (path, name) in [("float-classes/t.csv", "cost"), ("R-float-classes/price.csv", "price")] {
        let dataset = case(path);
        let mut notes = Vec::new();
        let objective = Objective::find(&dataset, &[], Some(Task::Classification), &mut notes).unwrap();
        assert!(objective.classes().len() > 100);
        assert_eq!(codes(&notes), ["numbers_as_classes", "rare_classes"], "{path}");
        assert!(notes[0].message.contains(&format!("of '{name}' are learned as classes")), "{notes:?}");
    }
    for (path, name) in
        [("many-int-classes/letters.csv", "letter"), ("R-many-int-classes/plates.csv", "plate")]
    {
        let dataset = case(path);
        let (objective, notes) = find(&dataset).unwrap();
        assert_eq!(
            (objective.task(), codes(&notes)),
            (Task::Regression, vec!["whole_number_quantity"]),
            "{path}"
        );
        assert!(
            notes[0].message.starts_with(&format!("'{name}' has 26 different whole numbers")),
            "{notes:?}"
        );
        assert!(notes[0].message.contains("--task classification"), "{notes:?}");
    }
    for (path, last, named) in [
        ("label-first/t.csv", "f3", "label"),
        ("R-target-first/class.csv", "f2", "class"),
        ("R-target-first/target.csv", "px2", "target"),
    ] {
        let (objective, notes) = find(&case(path)).unwrap();
        assert_eq!(objective.target_names(), [last], "{path}");
        let note = notes.iter().find(|note| note.code == "default_target").unwrap();
        assert!(note.message.contains(&format!("--target {named}")), "{note}");
    }
    // Here the last column cannot be learned, and the note goes with the error.
    let mut notes = Vec::new();
    let found = Objective::find(&case("label-first/pixels.csv"), &[], None, &mut notes);
    assert_error(found, &["only one class, '0', in column 'pixel3'"]);
    assert!(codes(&notes) == ["default_target"] && notes[0].message.contains("--target label"), "{notes:?}");
    for (path, name) in [
        ("index-counter/t.csv", "Unnamed: 0"),
        ("R-counter/index.csv", "index"),
        ("R-counter/row-id.csv", "row_id"),
    ] {
        let dataset = case(path);
        assert_eq!(
            (column(&dataset, name).kind(), codes_of(&dataset)),
            (ColumnType::Index, vec!["index"]),
            "{path}"
        );
        assert!(dataset.notes[0].message.contains(&format!("{name}=number")), "{:?}", dataset.notes);
        assert!(!fitted(&dataset).0.input_names().contains(&name.to_owned()));
    }
}

/// A target that was read with commas between thousands is read so again, whatever the other columns look like.
#[test]
fn a_learned_way_of_writing_targets_is_kept() {
    let dataset = case("thousands/target.csv");
    let (preprocessing, _) = fitted(&dataset);
    let options = preprocessing.read_options(ReadOptions::default());
    let text = "width,depth,price\n2.89,18.3,\"224,000\"\n1.53,42.1,\"181,000\"\n";
    let new = crate::folder::csv_with(text.replace(".89", "").replace(".53", ""), &options).unwrap();
    assert_eq!(preprocessing.target_numbers(&new, &[0, 1]).unwrap(), [224_000.0, 181_000.0]);
    assert!(matches!(preprocessing.targets(&new, &[0]).unwrap(), TargetValues::Numbers(_)));
}
