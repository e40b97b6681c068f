//! Which column is the target, and whether it holds classes or numbers.

use crate::folder::{assert_error, csv};
use chainrule_data::{Dataset, Target, Task, choose_target, infer_task, read, strata};

/// A table whose last column, `y`, has these cells.
fn with_target<S: AsRef<str>>(cells: &[S]) -> Dataset {
    let rows: Vec<String> = (cells.iter()).map(|cell| format!("1,{}\n", cell.as_ref())).collect();
    csv(&format!("x,y\n{}", rows.concat()))
}

fn infer(dataset: &Dataset, wanted: Option<Task>) -> chainrule_data::Result<Task> {
    infer_task(dataset, choose_target(dataset, None).unwrap(), wanted)
}

#[test]
fn the_last_column_or_the_named_one() {
    let dataset = csv("age,income,City\n1,2,a\n");
    assert_eq!(choose_target(&dataset, None).unwrap(), Target::Column(2));
    assert_eq!(choose_target(&dataset, Some("income")).unwrap(), Target::Column(1));
    assert_error(
        choose_target(&dataset, Some("CITY")),
        &["t.csv has no column 'CITY'", "did you mean 'City'", "'age', 'income', 'City'"],
    );
    assert_error(choose_target(&dataset, Some("incme")), &["did you mean 'income'"]);
}

#[test]
fn images_have_labels() {
    let dataset = read("digits").unwrap();
    assert_eq!(choose_target(&dataset, None).unwrap(), Target::Labels);
    assert_eq!(choose_target(&dataset, Some("label")).unwrap(), Target::Labels);
    assert_error(choose_target(&dataset, Some("age")), &["digits", "'label'", "'age'"]);
    assert_eq!(infer(&dataset, None).unwrap(), Task::Classification);
    assert_eq!(infer(&dataset, Some(Task::Regression)).unwrap(), Task::Regression);
    assert_error(infer_task(&dataset, Target::Column(0), None), &["no column 'number 1'"]);
}

#[test]
fn texts_are_classes() {
    let dataset = with_target(&["a", "b", "a"]);
    assert_eq!(infer(&dataset, None).unwrap(), Task::Classification);
}

#[test]
fn whole_numbers_are_classes_where_they_are_few_and_frequent() {
    let numbers = |distinct: usize, times: usize| -> Vec<String> {
        (0..distinct * times).map(|i| (i % distinct).to_string()).collect()
    };
    let task = |cells: &[String]| infer(&with_target(cells), None).unwrap();
    assert_eq!(task(&numbers(2, 5)), Task::Classification);
    assert_eq!(task(&numbers(2, 4)), Task::Regression);
    assert_eq!(task(&numbers(20, 5)), Task::Classification);
    assert_eq!(task(&numbers(21, 50)), Task::Regression);
    let mut halves = numbers(2, 50);
    halves[3] = "0.5".to_owned();
    assert_eq!(task(&halves), Task::Regression);
}

#[test]
fn the_user_may_decide() {
    let quantity = with_target(&["1.5", "2", "1.50"]);
    assert_eq!(infer(&quantity, None).unwrap(), Task::Regression);
    let wanted = Some(Task::Classification);
    assert_eq!(infer(&quantity, wanted).unwrap(), Task::Classification);
    let zeros = with_target(&["0", "-0", "1", "0.0"]);
    assert_eq!(strata(&zeros, None, wanted).unwrap(), Some(vec![0, 0, 1, 0]));
    // 1.5 and 1.50 are one number and so one class.
    assert_eq!(strata(&quantity, None, wanted).unwrap(), Some(vec![0, 1, 0]));

    let classes = with_target(&["0", "1", "0", "1", "0", "1", "0", "1", "0", "1"]);
    let wanted = Some(Task::Regression);
    assert_eq!(infer(&classes, wanted).unwrap(), Task::Regression);
    assert_eq!(strata(&classes, None, wanted).unwrap(), None);
}

#[test]
fn a_missing_target() {
    let dataset = with_target(&["a", "b", "", "a"]);
    assert_error(infer(&dataset, None), &["t.csv, line 4, column 'y'", "target is missing"]);
}

#[test]
fn a_target_that_is_not_finite() {
    let dataset = with_target(&["1", "2", "nan"]);
    assert_error(infer(&dataset, None), &["t.csv, line 4, column 'y'", "'nan'"]);
}

#[test]
fn an_identifier() {
    let dataset = with_target(&["ada", "eva", "ida"]);
    assert_error(infer(&dataset, None), &["t.csv, column 'y'", "each of its 3 values", "identifier"]);
}

#[test]
fn a_single_class() {
    let dataset = with_target(&["x", "x", "x"]);
    assert_error(infer(&dataset, None), &["t.csv", "only one class, 'x', in column 'y'", "nothing to learn"]);
}

#[test]
fn a_regression_with_a_text() {
    let dataset = with_target(&["1", "2", "many", "few"]);
    assert_error(
        infer(&dataset, Some(Task::Regression)),
        &["t.csv, line 4, column 'y'", "'many' is not a number", "regression"],
    );
}
