//! Types of columns: given, found, dates, and tables that are made in memory.

use crate::folder::{InputsOf, assert_error, codes, column, csv, csv_with, fit_rows, numbers, table};
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Int8Type};
use arrow_array::*;
use chainrule_data::{
    Column, ColumnType, Dataset, FitOptions, InputColumn, InputPreprocessing, MissingWords, NumberStyle,
    Objective, Preprocessing, ReadAs, ReadOptions, Separator, Table,
};
use std::sync::Arc;

fn with_type(name: &str, kind: ColumnType) -> ReadOptions {
    let read_as = ReadAs { kind: Some(kind), ..ReadAs::default() };
    ReadOptions { types: vec![(name.to_owned(), read_as)], ..ReadOptions::default() }
}

fn texts(dataset: &Dataset, name: &str) -> Vec<Option<String>> {
    let column = column(dataset, name);
    (0..column.len()).map(|row| column.text(row).map(|text| text.into_owned())).collect()
}

#[test]
fn codes_are_categories_unless_said_otherwise() {
    let text = "zip,y\n01000,a\n02134,b\n94110,a\n01000,b\n";
    let dataset = csv(text);
    assert_eq!(column(&dataset, "zip").kind(), ColumnType::Category);
    assert_eq!(codes(&dataset.notes), ["codes"]);
    assert_eq!(
        fit_rows(&dataset, None, None, true, &[0, 1, 2, 3]).unwrap().0.input_names(),
        ["zip=01000", "zip=02134", "zip=94110"]
    );
    let dataset = csv_with(text, &with_type("zip", ColumnType::Number)).unwrap();
    assert_eq!(numbers(&dataset, "zip"), [Some(1000.0), Some(2134.0), Some(94110.0), Some(1000.0)]);
    // Numbers as a category keep their texts: 1.0 is not 1.
    let dataset =
        csv_with("size,y\n1.0,a\n1,b\n+1,a\n1e0,b\n", &with_type("size", ColumnType::Category)).unwrap();
    assert_eq!(column(&dataset, "size").kind(), ColumnType::Category);
    assert_eq!(texts(&dataset, "size"), ["1.0", "1", "+1", "1e0"].map(|text| Some(text.to_owned())));
}

#[test]
fn a_type_that_was_given_holds_or_is_an_error() {
    let text = "id,when,paid,city,y\n7,03.02.2021,1,x,a\n8,04.02.2021,0,y,b\n9,soon,maybe,x,a\n10,05.02.2021,1,y,b\n";
    let fit = |name: &str, kind| {
        fit_rows(&csv_with(text, &with_type(name, kind)).unwrap(), None, None, true, &[0, 1, 2, 3])
    };
    assert_error(fit("city", ColumnType::Number), &["t.csv, line 2, column 'city'", "'x' is not a number"]);
    assert_error(fit("when", ColumnType::Date), &["t.csv, line 4, column 'when'", "'soon' is not a date"]);
    assert_error(
        fit("paid", ColumnType::Truth),
        &["t.csv, line 4, column 'paid'", "'maybe' is not a truth value"],
    );
    let names = |name: &str, kind| fit(name, kind).unwrap().0.input_names();
    assert!(!names("id", ColumnType::Index).contains(&"id".to_owned()));
    assert!(!names("city", ColumnType::Text).iter().any(|name| name.starts_with("city")));
    assert!(names("id", ColumnType::Category).contains(&"id=10".to_owned()));
    assert_error(
        csv_with(text, &with_type("Id", ColumnType::Index)).map(drop),
        &["no column 'Id'", "did you mean 'id'"],
    );
    for kind in ["number", "category", "truth", "date", "text", "index"] {
        assert_eq!(ColumnType::from_name(kind).map(ColumnType::name), Some(kind));
    }
    assert_eq!(ColumnType::from_name("Number"), None);
}

#[test]
fn a_date_format_that_was_given_holds() {
    let text = "day,y\n02/03/2021,a\n04/05/2021,b\n";
    let dataset = csv(text);
    assert_eq!(
        (column(&dataset, "day").kind(), codes(&dataset.notes)),
        (ColumnType::Date, vec!["month_first"])
    );
    assert!(dataset.notes[0].message.contains("--types day=date:%d/%m/%Y"), "{:?}", dataset.notes);
    // February 3 and April 5, or March 2 and May 4: days since 1970.
    assert_eq!(dataset.instants("day").unwrap(), [18_661.0, 18_722.0]);
    let read_as =
        ReadAs { kind: Some(ColumnType::Date), date_format: Some("%d/%m/%Y".to_owned()), style: None };
    let options = ReadOptions { types: vec![("day".to_owned(), read_as)], ..ReadOptions::default() };
    let dataset = csv_with(text, &options).unwrap();
    assert_eq!((dataset.instants("day").unwrap(), dataset.notes.len()), (vec![18_688.0, 18_751.0], 0));
    // Two digits of a year are not the first century.
    let dataset = csv("day,y\n12/31/99,a\n01/02/03,b\n");
    assert_eq!(dataset.instants("day").unwrap(), [10_956.0, 12_054.0]);
}

/// Standardized by the mean and the population deviation.
fn standardized(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    values.iter().map(|value| (value - mean) / deviation).collect()
}

#[test]
fn dates_become_their_parts() {
    let dataset = csv("at,y\n2021-02-03 12:30,a\n2021-02-07,b\n2024-02-29T18:00:00Z,a\n");
    let (preprocessing, notes) = fit_rows(&dataset, None, None, true, &[0, 1, 2]).unwrap();
    // The month is February throughout. 2021-02-03 was a Wednesday.
    let parts = [
        ("year", [2021.0, 2021.0, 2024.0]),
        ("day", [3.0, 7.0, 29.0]),
        ("weekday", [2.0, 6.0, 3.0]),
        ("hour", [12.5, 0.0, 18.0]),
        ("days", [18_661.0 + 12.5 / 24.0, 18_665.0, 19_782.75]),
    ];
    let names: Vec<String> = parts.iter().map(|(part, _)| format!("at ({part})")).collect();
    assert_eq!((preprocessing.input_names(), codes(&notes)), (names, vec!["date_parts"]));
    let found: Vec<f64> = preprocessing.inputs_of(&dataset, &[0, 1, 2]).unwrap();
    for (index, (part, values)) in parts.iter().enumerate() {
        for (row, expected) in standardized(values).iter().enumerate() {
            let found = found[row * parts.len() + index];
            assert!((found - expected).abs() < 1e-9, "{part} of row {row}: {found} is not {expected}");
        }
    }
    // In new data: another place, a gap, and a text that is no date.
    let options = preprocessing.read_options(ReadOptions::default());
    let new = csv_with("at\n2021-02-07\n\"\"\n2024-02-29 18:00\n", &options).unwrap();
    let mut notes = Vec::new();
    let again: Vec<f64> = preprocessing.inputs(&new, &[0, 1, 2], 1, &mut notes).unwrap();
    assert_eq!((&again[..5], &again[10..]), (&found[5..10], &found[10..]));
    assert_eq!((&again[5..10], codes(&notes)), (&[0.0; 5][..], vec!["unlearned_gaps"]));
    let new = csv_with("at\n2021-02-07\n07.02.2021\n", &options).unwrap();
    assert_error(
        preprocessing.inputs_of::<f32>(&new, &[0, 1]),
        &["t.csv, line 3, column 'at'", "'07.02.2021' is not a date"],
    );
}

#[test]
fn times_and_dates_in_the_forms_in_use() {
    for (cells, days) in [
        (["2021-02-03", "1969-12-31"], [18_661.0, -1.0]),
        (["2021/02/03", "2021/12/31"], [18_661.0, 18_992.0]),
        (["03.02.2021", "31.12.2021"], [18_661.0, 18_992.0]),
        (["3/2/2021", "31/12/2021"], [18_661.0, 18_992.0]),
        (["2/3/2021 6:00 PM", "12/31/2021 12:00 AM"], [18_661.75, 18_992.0]),
        (["3 Feb 2021", "31 December 2021"], [18_661.0, 18_992.0]),
        (["03-Feb-21", "31-Dec-21"], [18_661.0, 18_992.0]),
        (["Feb 3, 2021", "Dec 31, 2021"], [18_661.0, 18_992.0]),
        (["Wed, 03 Feb 2021 06:00:00 +0100", "Fri, 31 Dec 2021 00:00:00 GMT"], [18_661.25, 18_992.0]),
        (["20210203T060000Z", "20211231T000000Z"], [18_661.25, 18_992.0]),
        (["06:00", "18:00:00"], [0.25, 0.75]),
    ] {
        let dataset = Dataset::from_table(Table::new("t", vec![Column::texts("d", cells)]).unwrap());
        assert_eq!(column(&dataset, "d").kind(), ColumnType::Date, "{cells:?}");
        assert_eq!(dataset.instants("d").unwrap(), days, "{cells:?}");
    }
    for cells in [["2021-02-30", "2021-02-01"], ["1.2.3", "1.10.12"], ["10-20", "20-30"], ["May", "June"]] {
        assert_eq!(Column::texts("d", cells).kind(), ColumnType::Category, "{cells:?}");
    }
}

#[test]
fn options_say_what_is_otherwise_found() {
    let options = ReadOptions { comment: Some(b'%'), ..ReadOptions::default() };
    let dataset = csv_with("% by, \"us\na,b\n1,x\n% not, \"2\n3,\"%y\n%z\"\n", &options).unwrap();
    assert_eq!(texts(&dataset, "b"), [Some("x".to_owned()), Some("%y\n%z".to_owned())]);
    assert_eq!(table(&dataset).line(1), Some(5));
    let options = ReadOptions { quote: Some(b'\''), ..ReadOptions::default() };
    let dataset = csv_with("a,b\n'1,5\"',x\n", &options).unwrap();
    assert_eq!(texts(&dataset, "a"), [Some("1,5\"".to_owned())]);
    let options = ReadOptions { quote: None, ..ReadOptions::default() };
    let dataset = csv_with("a,b\n\"1,x\"\n\"2,y\n", &options).unwrap();
    assert_eq!(texts(&dataset, "a"), [Some("\"1".to_owned()), Some("\"2".to_owned())]);
    let options = ReadOptions { separator: Some(Separator::Byte(b':')), ..ReadOptions::default() };
    assert_eq!(numbers(&csv_with("a:b\n1:2\n", &options).unwrap(), "b"), [Some(2.0)]);
    let missing = MissingWords { also: vec!["none given".to_owned()], only_these: true };
    let options = ReadOptions { missing, ..ReadOptions::default() };
    let dataset = csv_with("a,b\nNA,x\nnone given,y\n,z\n", &options).unwrap();
    assert_eq!(texts(&dataset, "a"), [Some("NA".to_owned()), None, None]);
    let options = ReadOptions { decimal: Some(','), ..ReadOptions::default() };
    let dataset = csv_with("a;b\n1,234;x\n5,678;y\n", &options).unwrap();
    assert_eq!(numbers(&dataset, "a"), [Some(1.234), Some(5.678)]);
    let options = ReadOptions { thousands: Some(','), ..ReadOptions::default() };
    let dataset = csv_with("a;b\n1,234;x\n5,678;y\n", &options).unwrap();
    assert_eq!(numbers(&dataset, "a"), [Some(1234.0), Some(5678.0)]);
    for (name, separator) in [("comma", b','), ("\\t", b'\t'), ("pipe", b'|'), (":", b':')] {
        assert_eq!(Separator::from_name(name).unwrap(), Separator::Byte(separator));
    }
    assert_eq!(Separator::from_name("spaces").unwrap(), Separator::Spaces);
    for name in ["", "ab", "a", "1", "\"", "é"] {
        assert_error(Separator::from_name(name), &["--separator", "expected comma"]);
    }
}

/// Amounts that are nothing or a little: zeros say nothing of what a point means.
#[test]
fn zeros_are_no_sign_of_thousands() {
    let mut cells = vec!["0"; 40];
    cells.extend(["1.234", "2.345", "5.678", "1.111"]);
    let dataset =
        csv(&format!("rain,y\n{}", cells.iter().map(|cell| format!("{cell},a\n")).collect::<String>()));
    assert_eq!(numbers(&dataset, "rain")[40..], [Some(1.234), Some(2.345), Some(5.678), Some(1.111)]);
    assert_eq!(codes(&dataset.notes), ["ambiguous_point"]);
}

#[test]
fn buckets_of_rare_categories_are_stable() {
    // a00 to a63 three times, c00, c01 and c02 once: groups 1, 28 and 6 by XXH3-64 modulo 32, as python-xxhash computes.
    let mut cells: Vec<String> = (0..192).map(|i| format!("a{:02}", i % 64)).collect();
    cells.extend(["c00", "c01", "c02"].map(str::to_owned));
    let rows: String = cells.iter().zip(0..).map(|(cell, row)| format!("{cell},{}\n", row % 2)).collect();
    let dataset = csv(&format!("code,y\n{rows}"));
    let all: Vec<usize> = (0..dataset.rows()).collect();
    let (preprocessing, notes) = fit_rows(&dataset, None, None, true, &all).unwrap();
    let InputPreprocessing::Columns(columns) = &preprocessing.inputs else { panic!("images") };
    let [InputColumn::Categorical(learned)] = &columns[..] else { panic!("{columns:?}") };
    assert_eq!((learned.categories.len(), &learned.buckets), (64, &vec![1, 6, 28]));
    assert_eq!(codes(&notes), ["many_categories"]);
    assert_eq!(
        preprocessing.input_names()[64..],
        ["code (rare, group 1)", "code (rare, group 6)", "code (rare, group 28)"]
    );
    // c03 and c06 share the groups of c01 and c00; c04 is in group 11, which was empty in training.
    let new = csv("code\nc00\nc01\nc02\nc03\nc06\nc04\n");
    let mut notes = Vec::new();
    let inputs: Vec<f32> = preprocessing.inputs(&new, &[0, 1, 2, 3, 4, 5], 1, &mut notes).unwrap();
    let input_of = |row: usize| inputs[row * 67..][..67].iter().position(|input| *input == 1.0);
    assert_eq!([0, 1, 2, 3, 4, 5].map(input_of), [Some(64), Some(66), Some(65), Some(66), Some(64), None]);
    assert_eq!(codes(&notes), ["unseen_categories"]);
    assert!(
        notes[0].message.starts_with("1 cell in 'code'") && notes[0].message.ends_with("'c04'"),
        "{notes:?}"
    );
}

#[test]
fn gaps_alone_are_learned_with_their_words() {
    let cell = |row: usize| match row {
        3 => "nil",
        9 => "",
        _ => "5",
    };
    let rows: String = (0..40).map(|row| format!("{},{}\n", cell(row), row % 2)).collect();
    let dataset = csv(&format!("x,y\n{rows}"));
    let all: Vec<usize> = (0..40).collect();
    let (preprocessing, notes) = fit_rows(&dataset, None, None, true, &all).unwrap();
    assert_eq!(
        (preprocessing.input_names(), codes(&notes)),
        (vec!["x (missing)".to_owned()], vec!["odd_words", "constant_values"])
    );
    let gaps = |dataset: &Dataset, rows: &[usize]| preprocessing.inputs_of::<f64>(dataset, rows).unwrap();
    let expected: Vec<f64> = (0..40).map(|row| f64::from(u8::from(row == 3 || row == 9))).collect();
    assert_eq!(gaps(&dataset, &all), expected);
    // In new data, where the column is read as texts.
    let new = csv_with("x\n5\nnil\n\"\"\n7\n", &preprocessing.read_options(ReadOptions::default())).unwrap();
    assert_eq!(gaps(&new, &[0, 1, 2, 3]), [0.0, 1.0, 1.0, 0.0]);
}

fn dataset(arrays: Vec<(&str, ArrayRef)>) -> Dataset {
    Dataset::from_record_batches(
        "memory",
        &[RecordBatch::try_from_iter_with_nullable(
            arrays.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap()],
    )
    .unwrap()
}

#[test]
fn arrow_arrays_of_every_type() {
    type F16 = <Float16Type as ArrowPrimitiveType>::Native;
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from(vec![Some(-3), None, Some(7)])),
        Arc::new(Int16Array::from(vec![Some(-3), None, Some(7)])),
        Arc::new(Int32Array::from(vec![Some(-3), None, Some(7)])),
        Arc::new(Int64Array::from(vec![Some(-3), None, Some(7)])),
        Arc::new(Float32Array::from(vec![Some(-3.0), None, Some(7.0)])),
        Arc::new(Float64Array::from(vec![-3.0, f64::NAN, 7.0])),
        Arc::new(Float16Array::from_iter([Some(F16::from_f32(-3.0)), None, Some(F16::from_f32(7.0))])),
    ];
    for array in arrays {
        let kind = array.data_type().clone();
        assert_eq!(numbers(&dataset(vec![("x", array)]), "x"), [Some(-3.0), None, Some(7.0)], "{kind}");
    }
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt8Array::from(vec![Some(250), None])),
        Arc::new(UInt16Array::from(vec![Some(250), None])),
        Arc::new(UInt32Array::from(vec![Some(250), None])),
        Arc::new(UInt64Array::from(vec![Some(250), None])),
    ];
    for array in arrays {
        assert_eq!(numbers(&dataset(vec![("x", array)]), "x"), [Some(250.0), None]);
    }
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("oslo"), None, Some("bergen"), Some("oslo")])),
        Arc::new(LargeStringArray::from(vec![Some("oslo"), None, Some("bergen"), Some("oslo")])),
        Arc::new(StringViewArray::from(vec![Some("oslo"), None, Some("bergen"), Some("oslo")])),
        Arc::new(
            [Some("oslo"), None, Some("bergen"), Some("oslo")]
                .into_iter()
                .collect::<DictionaryArray<Int8Type>>(),
        ),
    ];
    for array in arrays {
        let kind = array.data_type().clone();
        let data = dataset(vec![("x", array)]);
        assert_eq!(column(&data, "x").kind(), ColumnType::Category, "{kind}");
        assert_eq!(
            texts(&data, "x"),
            [Some("oslo"), None, Some("bergen"), Some("oslo")].map(|text| text.map(str::to_owned)),
            "{kind}"
        );
    }
    let truths = dataset(vec![("x", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])))]);
    assert_eq!((column(&truths, "x").kind(), column(&truths, "x").missing()), (ColumnType::Truth, 1));
    assert_eq!(texts(&truths, "x")[0].as_deref(), Some("true"));
    let nothing = dataset(vec![("x", Arc::new(NullArray::new(2)))]);
    assert_eq!(column(&nothing, "x").kind(), ColumnType::Empty);

    // 2021-02-03 12:30 and, for days alone, its midnight.
    let seconds = 18_661 * 86_400 + 45_000;
    let arrays: Vec<(ArrayRef, f64)> = vec![
        (Arc::new(Date32Array::from(vec![Some(18_661), Some(0)])), 18_661.0),
        (Arc::new(Date64Array::from(vec![Some(seconds * 1000), Some(0)])), 18_661.0 + 12.5 / 24.0),
        (Arc::new(TimestampSecondArray::from(vec![Some(seconds), Some(0)])), 18_661.0 + 12.5 / 24.0),
        (
            Arc::new(TimestampMillisecondArray::from(vec![Some(seconds * 1000), Some(0)])),
            18_661.0 + 12.5 / 24.0,
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![Some(seconds * 1_000_000), Some(0)])),
            18_661.0 + 12.5 / 24.0,
        ),
        (
            Arc::new(TimestampNanosecondArray::from(vec![Some(seconds * 1_000_000_000), Some(0)])),
            18_661.0 + 12.5 / 24.0,
        ),
    ];
    for (array, day) in arrays {
        let kind = array.data_type().clone();
        let data = dataset(vec![("x", array)]);
        assert_eq!(
            (column(&data, "x").kind(), data.instants("x").unwrap()),
            (ColumnType::Date, vec![day, 0.0]),
            "{kind}"
        );
    }
}

#[test]
fn record_batches_follow_one_another_and_fit_together() {
    let batch = |numbers: Vec<i32>| {
        RecordBatch::try_from_iter([("n", Arc::new(Int32Array::from(numbers)) as ArrayRef)]).unwrap()
    };
    let data =
        Dataset::from_record_batches("memory", &[batch(vec![1, 2]), batch(vec![]), batch(vec![3])]).unwrap();
    assert_eq!(numbers(&data, "n"), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(table(&data).line(0), None);
    let other = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    assert_error(
        Dataset::from_record_batches("memory", &[batch(vec![1]), other]),
        &["memory", "different schemas"],
    );
    assert_error(Dataset::from_record_batches("memory", &[]), &["no batches"]);
    assert_error(Dataset::from_record_batches("memory", &[batch(vec![])]), &["memory", "no rows"]);
    let binary =
        RecordBatch::try_from_iter([("b", Arc::new(BinaryArray::from(vec![&b"x"[..]])) as ArrayRef)])
            .unwrap();
    assert_error(Dataset::from_record_batches("memory", &[binary]), &["column 'b'", "Arrow type Binary"]);
    // An error in memory names the row.
    let data = Dataset::from_table(
        Table::new(
            "memory",
            vec![Column::numbers("x", &[1.0, f64::INFINITY, 2.0]), Column::texts("y", ["a", "b", "a"])],
        )
        .unwrap(),
    );
    assert_error(
        fit_rows(&data, None, None, true, &[0, 1, 2]),
        &["memory, row 2 (counted from 1), column 'x'", "'inf'"],
    );
}

#[test]
fn the_same_data_from_a_file_and_from_memory_are_learned_alike() {
    let file = csv_with(
        "size,city,paid,on,y\n1.50,Oslo,TRUE,2021-02-03,1\n+2.5,Bergen,false,2021-02-04,2\n,Oslo,True,2021-02-05,4.5\n1e1,,FALSE,2022-01-01,3\n",
        &ReadOptions::default(),
    )
    .unwrap();
    let dates = Arc::new(Date32Array::from(vec![18_661, 18_662, 18_663, 18_993]));
    let columns = vec![
        Column::optional_numbers("size", [Some(1.5), Some(2.5), None, Some(10.0)]),
        Column::optional_texts("city", [Some("Oslo"), Some("Bergen"), Some("Oslo"), None]),
        Column::from_array("paid", Arc::new(BooleanArray::from(vec![true, false, true, false]))).unwrap(),
        Column::from_array("on", dates).unwrap(),
        Column::numbers("y", &[1.0, 2.0, 4.5, 3.0]),
    ];
    let memory = Dataset::from_table(Table::new("t.csv", columns).unwrap());
    assert_eq!(file.fingerprint(), memory.fingerprint());
    let fit = |dataset: &Dataset| fit_rows(dataset, None, None, true, &[0, 1, 2]).unwrap();
    assert_eq!(fit(&file), fit(&memory));
    let preprocessing = fit(&file).0;
    let [one, two] =
        [&file, &memory].map(|data| preprocessing.inputs_of::<f64>(data, &[3, 0, 1, 2]).unwrap());
    assert_eq!(one, two);
    let json = |preprocessing: &Preprocessing| serde_json::to_string(preprocessing).unwrap();
    assert_eq!(json(&preprocessing), json(&fit(&memory).0));
}

#[test]
fn fingerprints_tell_data_apart() {
    let base = "a,b,y\n1,x,u\n2,y,v\n3,x,u\n";
    let of = |text: &str| csv(text).fingerprint();
    let print = of(base);
    assert_eq!((print.rows, print.columns.len()), (3, 3));
    assert_eq!(print.difference(&of("a;b;y\n1.0;x;u\n2;y;v\n3;\"x\";u"), None), None);
    assert_eq!(print, of("a;b;y\n1.0;x;u\n2;y;v\n3;\"x\";u"));
    for (text, part) in [
        ("a,b,y\n2,y,v\n1,x,u\n3,x,u\n", "column 'a' has other values, or its rows are in another order"),
        ("a,b,y\n1,x,u\n2,y,v\n3,x,v\n", "column 'y' has other values"),
        ("a,b,y\n1,x,u\n2,y,v\n3.0000000001,x,u\n", "column 'a' has other values"),
        ("a,b,y\n1,x,u\n2,y,v\n,x,u\n", "column 'a' has other values"),
        ("a,c,y\n1,x,u\n2,y,v\n3,x,u\n", "column 'b' is not there"),
        ("b,a,y\nx,1,u\ny,2,v\nx,3,u\n", "the columns are in another order"),
        ("a,b,y,z\n1,x,u,1\n2,y,v,2\n3,x,u,3\n", "column 'z' was not there"),
        ("a,b,y\n1,x,u\n2,y,v\n", "2 rows instead of 3 rows"),
        ("a,b,y\nk,x,u\nl,y,v\nm,x,u\n", "column 'a' holds the type category instead of number"),
    ] {
        let difference = print.difference(&of(text), None).unwrap_or_else(|| panic!("{text}"));
        assert!(difference.contains(part), "{difference}");
    }
    assert_eq!(print.difference(&of("b,a,y,z\nx,1,u,1\ny,2,v,2\nx,3,u,3\n"), Some(&["a", "y"])), None);
    let json = serde_json::to_string(&print).unwrap();
    assert_eq!(serde_json::from_str::<chainrule_data::Fingerprint>(&json).unwrap(), print);
}

#[test]
fn keys_of_rows() {
    let data = csv("who,at,w,k\n1,2021-02-03,0.5,a\n1.0,2021-02-04,2,b\n2,2021-02-03 12:00,0,a\n");
    assert_eq!(data.groups("who").unwrap(), [0, 0, 1]);
    assert_eq!(data.groups("k").unwrap(), [0, 1, 0]);
    assert_eq!(data.instants("at").unwrap(), [18_661.0, 18_662.0, 18_661.5]);
    assert_eq!(data.instants("who").unwrap(), [1.0, 1.0, 2.0]);
    assert_eq!(data.weights("w").unwrap(), [0.5, 2.0, 0.0]);
    assert_error(data.groups("Who"), &["no column 'Who'", "did you mean 'who'"]);
    assert_error(data.instants("k"), &["'k'", "category"]);
    assert_error(data.weights("k"), &["t.csv, line 2, column 'k'", "'a' is no number"]);
    let gaps = csv("who,at,w,n\n1,,1,5\n\"\",2021-02-03,,6\n2,2021-02-04,-1,7\n");
    assert_error(gaps.groups("who"), &["t.csv, line 3, column 'who'"]);
    assert_error(gaps.instants("at"), &["t.csv, line 2, column 'at'"]);
    assert_error(gaps.weights("w"), &["t.csv, line 3, column 'w'", "missing"]);
    assert_error(csv("w,y\n1,a\n-1,b\n").weights("w"), &["t.csv, line 3, column 'w'", "the weight is -1"]);
    assert_error(csv("w,y\n1,a\ninf,b\n").weights("w"), &["t.csv, line 3", "the weight is inf"]);
    assert_error(csv("w,y\n0,a\n0,b\n").weights("w"), &["every weight is 0"]);
    // Codes and numbers of 17 digits are groups of their own; 7 and 7.0 are one, also beside words.
    let codes = csv("who,y\n90071992547409921,a\n90071992547409923,b\n90071992547409921,a\n");
    assert_eq!(codes.groups("who").unwrap(), [0, 1, 0]);
    let mixed = csv("who,y\n7,a\nann,b\n7.0,a\nbob,b\n07,a\n");
    let groups = mixed.groups("who").unwrap();
    assert_eq!(groups[0], groups[2]);
    assert!(groups[1] != groups[3] && groups[4] != groups[0]);
}

#[test]
fn summaries_say_what_columns_hold() {
    let data = csv("n,c,d,t,e\n0,x,2021-02-03,yes,\n1,y,2021-02-05,no,\n12,x,,yes,\n,x,2021-02-04,yes,\n");
    let summaries = table(&data).summaries(2);
    let kinds: Vec<&str> = summaries.iter().map(|summary| summary.kind.name()).collect();
    assert_eq!(kinds, ["number", "category", "date", "truth", "empty"]);
    let missing: Vec<usize> = summaries.iter().map(|summary| summary.missing).collect();
    assert_eq!(missing, [1, 0, 1, 0, 4]);
    let distinct: Vec<usize> = summaries.iter().map(|summary| summary.distinct).collect();
    assert_eq!(distinct, [3, 2, 3, 2, 0]);
    let numbers = summaries[0].numbers.as_ref().unwrap();
    assert_eq!((numbers.minimum, numbers.maximum), (0.0, 12.0));
    assert!((numbers.mean - 13.0 / 3.0).abs() < 1e-15);
    assert_eq!(numbers.histogram, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let dates = summaries[2].numbers.as_ref().unwrap();
    assert_eq!((dates.minimum, dates.mean, dates.maximum), (18_661.0, 18_662.0, 18_663.0));
    assert_eq!(summaries[1].frequent, [("x".to_owned(), 3), ("y".to_owned(), 1)]);
    assert!(summaries[4].numbers.is_none() && summaries[4].frequent.is_empty());
    let json = serde_json::to_value(&summaries[1]).unwrap();
    assert_eq!(json["type"], "category");
}

#[test]
fn learned_styles_are_read_again() {
    let style = NumberStyle { decimal: ',', thousands: None, sign: None };
    let learned = ReadAs { kind: None, date_format: None, style: Some(style) };
    let options = ReadOptions { learned: [("x".to_owned(), learned)].into(), ..ReadOptions::default() };
    // Without what was learned, this comma would stand between thousands.
    let text = "x,z\n\"1,234\",0.5\n\"5,678\",0.25\n";
    assert_eq!(numbers(&csv_with(text, &options).unwrap(), "x"), [Some(1.234), Some(5.678)]);
    assert_eq!(numbers(&csv(text), "x"), [Some(1234.0), Some(5678.0)]);
}

#[test]
fn ignored_columns_and_missing_words_are_kept_with_the_model() {
    let missing = MissingWords { also: vec!["nil".to_owned()], only_these: false };
    let options = ReadOptions { missing: missing.clone(), ..ReadOptions::default() };
    let data = csv_with("a,b,y\n1,nil,u\n2,5,v\n3,6,u\n", &options).unwrap();
    let objective = Objective::find(&data, &[], None, &mut Vec::new()).unwrap();
    let fit = |ignore: &[&str]| {
        let ignore = ignore.iter().map(|name| (*name).to_owned()).collect();
        Preprocessing::fit(
            &data,
            &objective,
            &FitOptions { ignore, missing: missing.clone(), ..FitOptions::default() },
            &[0, 1, 2],
        )
    };
    assert_eq!(fit(&["a"]).unwrap().0.input_names(), ["b", "b (missing)"]);
    assert_error(fit(&["A"]), &["no column 'A'", "did you mean 'a'"]);
    let learned = fit(&[]).unwrap().0.read_options(ReadOptions::default());
    assert_eq!(learned.missing, missing);
    assert_eq!(numbers(&csv_with("a,b\n1,nil\n2,7\n", &learned).unwrap(), "b"), [None, Some(7.0)]);
}
