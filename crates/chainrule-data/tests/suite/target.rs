//! Which column is the target, and whether it holds classes or numbers.

use crate::folder::{assert_error, codes, csv, fit_rows};
use chainrule_data::{Dataset, Note, Objective, Result, TargetValues, Task, read};

/// A table whose last column, `y`, has these cells.
fn with_target<S: AsRef<str>>(cells: &[S]) -> Dataset {
    let rows: Vec<String> = (cells.iter().enumerate())
        .map(|(row, cell)| format!("{},\"{}\"\n", row % 7, cell.as_ref()))
        .collect();
    csv(&format!("x,y\n{}", rows.concat()))
}

fn find(dataset: &Dataset, targets: &[&str], wanted: Option<Task>) -> Result<(Objective, Vec<Note>)> {
    let targets: Vec<String> = targets.iter().map(|name| (*name).to_owned()).collect();
    let mut notes = Vec::new();
    Ok((Objective::find(dataset, &targets, wanted, &mut notes)?, notes))
}

fn infer(dataset: &Dataset, wanted: Option<Task>) -> Result<Task> {
    find(dataset, &[], wanted).map(|(objective, _)| objective.task())
}

#[test]
fn the_last_column_or_the_named_one() {
    let dataset = csv("age,income,City\n1,2,a\n3,4,b\n5,9,a\n");
    assert_eq!(find(&dataset, &[], None).unwrap().0.target_names(), ["City"]);
    assert_eq!(find(&dataset, &["income"], None).unwrap().0.target_names(), ["income"]);
    assert_error(
        find(&dataset, &["CITY"], None),
        &["t.csv has no column 'CITY'", "did you mean 'City'", "'age', 'income', 'City'"],
    );
    assert_error(find(&dataset, &["incme"], None), &["did you mean 'income'"]);
}

#[test]
fn a_column_with_another_use_is_never_the_target() {
    let dataset = csv("age,income,City,weight\n1,2,a,1\n3,4,b,2\n5,9,a,3\n");
    let find = |targets: &[&str], others: &[&str]| {
        let [targets, others] =
            [targets, others].map(|names| names.iter().map(|&name| name.into()).collect::<Vec<_>>());
        Objective::find_beside(&dataset, &targets, &others, None, &mut Vec::new())
    };
    assert_eq!(find(&[], &[]).unwrap().target_names(), ["weight"]);
    assert_eq!(find(&[], &["weight"]).unwrap().target_names(), ["City"]);
    assert_eq!(find(&[], &["City", "weight"]).unwrap().target_names(), ["income"]);
    assert_eq!(find(&["age"], &["weight"]).unwrap().target_names(), ["age"]);
    assert_error(find(&["weight"], &["weight"]), &["t.csv: 'weight' is the target", "name another column"]);
    assert_error(find(&["age", "City"], &["City"]), &["t.csv: 'City' is the target"]);
    assert_error(find(&[], &["age", "income", "City", "weight"]), &["t.csv: no column is left"]);
}

#[test]
fn images_have_labels() {
    let dataset = read("digits").unwrap();
    let (objective, notes) = find(&dataset, &[], None).unwrap();
    assert_eq!(
        (objective.task(), objective.target_names()),
        (Task::Classification, &["label".to_owned()][..])
    );
    assert_eq!(objective.classes(), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(objective.strata().unwrap()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    assert!(notes.is_empty() && objective.has_target(1796));
    assert_eq!(find(&dataset, &["label"], None).unwrap().0.target_names(), ["label"]);
    assert_error(find(&dataset, &["age"], None), &["digits", "'label'", "'age'"]);
    assert_eq!(infer(&dataset, Some(Task::Regression)).unwrap(), Task::Regression);
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
    let found = |cells: &[String]| {
        let (objective, notes) = find(&with_target(cells), &[], None).unwrap();
        (objective.task(), codes(&notes))
    };
    assert_eq!(found(&numbers(2, 5)), (Task::Classification, vec![]));
    assert_eq!(found(&numbers(2, 4)), (Task::Regression, vec![]));
    assert_eq!(found(&numbers(3, 5)), (Task::Classification, vec!["whole_number_classes"]));
    assert_eq!(found(&numbers(20, 5)), (Task::Classification, vec!["whole_number_classes"]));
    assert_eq!(found(&numbers(21, 50)), (Task::Regression, vec!["whole_number_quantity"]));
    let mut halves = numbers(2, 50);
    halves[3] = "0.5".to_owned();
    assert_eq!(found(&halves), (Task::Regression, vec![]));
}

#[test]
fn the_user_may_decide() {
    let quantity = with_target(&["1.5", "2", "1.50"]);
    assert_eq!(infer(&quantity, None).unwrap(), Task::Regression);
    let wanted = Some(Task::Classification);
    assert_eq!(infer(&quantity, wanted).unwrap(), Task::Classification);
    let strata = |dataset, wanted| find(dataset, &[], wanted).unwrap().0.strata();
    let zeros = with_target(&["0", "-0", "1", "0.0"]);
    assert_eq!(strata(&zeros, wanted), Some(vec![0, 0, 1, 0]));
    // 1.5 and 1.50 are one number and so one class.
    assert_eq!(strata(&quantity, wanted), Some(vec![0, 1, 0]));

    let classes = with_target(&["0", "1", "0", "1", "0", "1", "0", "1", "0", "1"]);
    let wanted = Some(Task::Regression);
    assert_eq!(infer(&classes, wanted).unwrap(), Task::Regression);
    assert_eq!(strata(&classes, wanted), None);
}

#[test]
fn rows_without_a_target_are_left_out() {
    let dataset = with_target(&["a", "b", "", "a", "NA"]);
    let (objective, notes) = find(&dataset, &[], None).unwrap();
    assert_eq!(
        (0..5).map(|row| objective.has_target(row)).collect::<Vec<_>>(),
        [true, true, false, true, false]
    );
    assert_eq!(objective.classes(), ["a", "b"]);
    assert_eq!(codes(&notes), ["missing_target", "rare_classes"]);
    assert!(
        notes[0].message.starts_with("2 rows without 'y' are left out, the first on line 4"),
        "{notes:?}"
    );
    assert!(notes[0].message.contains("--keep-words"), "{notes:?}");
    // Among numbers, too.
    let dataset = with_target(&["1", "2", "nan", "4"]);
    let (objective, notes) = find(&dataset, &[], None).unwrap();
    assert_eq!((objective.task(), objective.has_target(2)), (Task::Regression, false));
    assert!(notes[0].message.starts_with("1 row without 'y' is left out, the first on line 4"), "{notes:?}");
    assert_error(
        find(&with_target(&["", "NA"]), &["y"], None),
        &["t.csv, column 'y'", "missing in every row"],
    );
}

#[test]
fn a_target_that_is_not_finite() {
    let dataset = with_target(&["1", "2", "inf"]);
    assert_error(infer(&dataset, None), &["t.csv, line 4, column 'y'", "'inf'"]);
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

#[test]
fn a_word_among_numbers_is_no_class() {
    for odd in ["n.d.", "7.5 mm", "7,5", "-"] {
        let mut cells: Vec<String> = (0..60).map(|i| format!("{}.5", i * 3)).collect();
        cells[30] = odd.to_owned();
        assert_error(
            infer(&with_target(&cells), None),
            &[
                "t.csv, line 32, column 'y'",
                &format!("'{odd}' is not a number, but 59 of the 60 values"),
                if odd == "7,5" { "correct the cell" } else { "--missing" },
                "--task classification",
            ],
        );
        // As classes, these would be as many as rows.
        assert_error(infer(&with_target(&cells), Some(Task::Classification)), &["identifier"]);
    }
}

#[test]
fn classes_that_are_rare_are_told_of() {
    let mut cells = vec!["a"; 10];
    cells.extend(["b", "c", "c", "d", "d", "d"]);
    let (objective, notes) = find(&with_target(&cells), &[], None).unwrap();
    assert_eq!(objective.classes(), ["a", "b", "c", "d"]);
    assert_eq!(codes(&notes), ["rare_classes"]);
    assert!(notes[0].message.contains("2 classes") && notes[0].message.contains("'b', 'c'"), "{notes:?}");
}

#[test]
fn spellings_of_truth_are_two_classes() {
    let (objective, _) =
        find(&with_target(&["True", "false", "TRUE", "FALSE", "true", "False"]), &[], None).unwrap();
    assert_eq!(objective.classes(), ["false", "True"]);
    assert_eq!(objective.strata().unwrap(), [1, 0, 1, 0, 1, 0]);
}

#[test]
fn several_targets_are_numbers() {
    let dataset = csv("a,u,v,c\n1,10,1,x\n2,20,5,y\n3,30,,x\n4,60,9,y\n");
    let (objective, notes) = find(&dataset, &["v", "u"], None).unwrap();
    assert_eq!(
        (objective.task(), objective.target_names()),
        (Task::Regression, &["v".to_owned(), "u".to_owned()][..])
    );
    assert_eq!(codes(&notes), ["missing_target"]);
    assert!(!objective.has_target(2) && objective.has_target(3) && objective.strata().is_none());
    let (preprocessing, _) = chainrule_data::Preprocessing::fit(
        &dataset,
        &objective,
        &chainrule_data::FitOptions { standardize_target: false, ..Default::default() },
        &[0, 1, 3],
    )
    .unwrap();
    assert_eq!(preprocessing.target_names(), ["v", "u"]);
    assert_eq!(preprocessing.input_names(), ["a", "c=x", "c=y"]);
    assert_eq!(
        preprocessing.targets(&dataset, &[1, 3]).unwrap(),
        TargetValues::Numbers(vec![5.0, 20.0, 9.0, 60.0])
    );
    assert_error(preprocessing.targets(&dataset, &[2]), &["t.csv, line 4, column 'v'", "target is missing"]);
    assert_eq!(preprocessing.have_targets(&dataset).unwrap(), [true, true, false, true]);
    assert_error(find(&dataset, &["u", "c"], None), &["t.csv", "'c' holds values of the type category"]);
    assert_error(find(&dataset, &["u", "u"], None), &["'u' is named twice"]);
    assert_error(find(&dataset, &["u", "v"], Some(Task::Classification)), &["'u' would be classes"]);
}

#[test]
fn numbers_of_seventeen_digits_stay_different_classes() {
    let cells = ["90071992547409921", "90071992547409923", "90071992547409921", "90071992547409923"];
    let (objective, _) = find(&with_target(&cells), &[], Some(Task::Classification)).unwrap();
    assert_eq!(objective.strata().unwrap(), [0, 1, 0, 1]);
    let fitted = fit_rows(&with_target(&cells), None, Some(Task::Classification), true, &[0, 1]);
    let (preprocessing, _) = fitted.unwrap();
    assert_eq!(
        preprocessing.targets(&with_target(&cells), &[0, 1, 2, 3]).unwrap(),
        TargetValues::Classes(vec![0, 1, 0, 1])
    );
}
