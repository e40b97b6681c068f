//! The CSV reader beside pandas on the generated files of `oracle/tables.json`: the same types, values and missing cells.

use crate::folder::{csv_with, table};
use arrow_array::{cast::AsArray, types::Float64Type};
use chainrule_data::{Column, ColumnType, ReadOptions, Separator};
use serde_json::Value;

/// The truth value of a word in the files.
fn truth_of(text: &str) -> bool {
    match text.to_lowercase().as_str() {
        "true" | "yes" => true,
        "false" | "no" => false,
        other => panic!("{other}"),
    }
}

/// What is wrong with a column, if anything.
fn problem(column: &Column, expected: &Value) -> Option<String> {
    let values = expected["values"].as_array().unwrap();
    let is_empty = values.iter().all(Value::is_null);
    let kinds: &[ColumnType] = match expected["kind"].as_str().unwrap() {
        _ if is_empty => &[ColumnType::Empty],
        "number" => &[ColumnType::Number],
        "truth" => &[ColumnType::Truth],
        _ => &[ColumnType::Category, ColumnType::Text],
    };
    if !kinds.contains(&column.kind()) || column.name() != expected["name"] || column.len() != values.len() {
        return Some(format!(
            "column '{}' with {} cells of the type {}",
            column.name(),
            column.len(),
            column.kind().name()
        ));
    }
    let odd = column.summary().odd;
    if odd > 0 {
        return Some(format!("{odd} cells of '{}' are words", column.name()));
    }
    let array = column.array();
    values.iter().enumerate().find_map(|(row, value)| {
        let is_equal = match value {
            Value::Null => column.is_missing(row),
            _ if column.is_missing(row) => false,
            Value::Number(number) => {
                let found = array.as_primitive::<Float64Type>().value(row);
                found.to_bits() == number.as_f64().unwrap().to_bits()
            }
            Value::Bool(truth) => truth_of(&column.text(row).unwrap()) == *truth,
            text => column.text(row).as_deref() == text.as_str(),
        };
        (!is_equal)
            .then(|| format!("row {row} of '{}' is {:?} instead of {value}", column.name(), column.text(row)))
    })
}

fn problem_of_case(case: &Value, options: &ReadOptions) -> Option<String> {
    let dataset = match csv_with(case["text"].as_str().unwrap(), options) {
        Ok(dataset) => dataset,
        Err(error) => return Some(error.to_string()),
    };
    let (columns, expected) = (table(&dataset).columns(), case["columns"].as_array().unwrap());
    if columns.len() != expected.len() {
        return Some(format!("{} columns instead of {}", columns.len(), expected.len()));
    }
    columns.iter().zip(expected).find_map(|(column, expected)| problem(column, expected))
}

#[test]
fn as_pandas_reads_on_any_number_of_threads_and_in_blocks_of_any_size() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracle/tables.json");
    let tables: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = tables["cases"].as_array().unwrap();
    assert!(cases.len() > 200);
    let mut problems = Vec::new();
    for case in cases {
        let given = |name: &str| case["options"][name].as_str().and_then(|text| text.chars().next());
        for (threads, block) in [(1, 1 << 20), (3, 1 << 20), (3, 1), (2, 64)] {
            let options = ReadOptions {
                separator: given("separator").map(|separator| Separator::Byte(separator as u8)),
                decimal: given("decimal"),
                thousands: given("thousands"),
                threads,
                block,
                ..ReadOptions::default()
            };
            if let Some(problem) = problem_of_case(case, &options) {
                let name = case["name"].as_str().unwrap();
                problems.push(format!("{name}, {threads} threads, blocks of {block}: {problem}"));
                break;
            }
        }
    }
    assert!(problems.is_empty(), "{} of {} cases:\n{}", problems.len(), cases.len(), problems.join("\n"));
}
