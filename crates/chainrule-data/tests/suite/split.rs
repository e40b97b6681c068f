//! Splits: exact totals, the share of each class, the order given, and what cannot be split.

use crate::folder::assert_error;
use chainrule_data::{Split, split};

fn sizes(split: &Split) -> (usize, usize, usize) {
    (split.training.len(), split.validation.len(), split.test.len())
}

fn of_class(rows: &[usize], strata: &[u32], class: u32) -> usize {
    rows.iter().filter(|row| strata[**row] == class).count()
}

#[test]
fn totals_are_exact_and_the_order_is_kept() {
    let rows: Vec<usize> = (0..101).map(|i| (i * 37) % 101).collect();
    let parts = split(&rows, None, 0.2, 0.1).unwrap();
    assert_eq!(sizes(&parts), (71, 20, 10));
    assert_eq!(parts.test, rows[..10]);
    assert_eq!(parts.validation, rows[10..30]);
    assert_eq!(parts.training, rows[30..]);
    assert_eq!(split(&rows, None, 0.2, 0.1).unwrap(), parts);
}

#[test]
fn every_row_is_in_one_part_and_every_class_has_its_share() {
    // 60 rows of class 5, 30 of class 0, 9 of class 2, 1 of class 9, mixed.
    let strata: Vec<u32> = (0..100)
        .map(|row| match (row * 7) % 100 {
            0..60 => 5,
            60..90 => 0,
            90..99 => 2,
            _ => 9,
        })
        .collect();
    let rows: Vec<usize> = (0..100).rev().collect();
    let parts = split(&rows, Some(&strata), 0.2, 0.1).unwrap();
    assert_eq!(sizes(&parts), (70, 20, 10));
    let mut all = [&parts.training[..], &parts.validation, &parts.test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    for (class, training, validation, test) in [(5, 42, 12, 6), (0, 21, 6, 3), (2, 6, 2, 1)] {
        assert_eq!(of_class(&parts.training, &strata, class), training, "{class}");
        assert_eq!(of_class(&parts.validation, &strata, class), validation, "{class}");
        assert_eq!(of_class(&parts.test, &strata, class), test, "{class}");
    }
    assert_eq!(of_class(&parts.training, &strata, 9), 1);
    for part in [&parts.training, &parts.validation, &parts.test] {
        assert!(part.is_sorted_by(|a, b| a > b), "the order given is kept");
    }
}

#[test]
fn totals_and_training_rows_hold_for_many_shapes() {
    for classes in 1..9_usize {
        for rows in classes * 3..60 {
            // Class 0 has most rows, every class at least three.
            let strata: Vec<u32> =
                (0..rows).map(|row| if row < classes * 3 { row % classes } else { 0 } as u32).collect();
            let order: Vec<usize> = (0..rows).collect();
            for (validation, test) in [(0.2, 0.2), (0.0, 0.3), (0.33, 0.0), (0.3, 0.3)] {
                let parts = split(&order, Some(&strata), validation, test).unwrap();
                let expected = |fraction: f64| match fraction {
                    0.0 => 0,
                    _ => ((rows as f64 * fraction).round() as usize).max(1),
                };
                let place = format!("{rows} rows, {classes} classes, {validation}, {test}");
                assert_eq!(parts.validation.len(), expected(validation), "{place}");
                assert_eq!(parts.test.len(), expected(test), "{place}");
                assert_eq!(sizes(&parts).0 + sizes(&parts).1 + sizes(&parts).2, rows);
                for class in 0..classes as u32 {
                    assert!(of_class(&parts.training, &strata, class) > 0, "{place}");
                }
            }
        }
    }
}

#[test]
fn only_the_given_rows_are_split() {
    let strata = [0, 1, 0, 1, 0, 1, 0, 1];
    let parts = split(&[7, 6, 1, 0], Some(&strata), 0.5, 0.0).unwrap();
    assert_eq!((parts.validation, parts.training), (vec![7, 6], vec![1, 0]));
}

#[test]
fn small_sets() {
    assert_eq!(sizes(&split(&[4], None, 0.0, 0.0).unwrap()), (1, 0, 0));
    assert_eq!(sizes(&split(&[4, 2], None, 0.2, 0.0).unwrap()), (1, 1, 0));
    assert_eq!(sizes(&split(&[4, 2], None, 0.99, 0.0).unwrap()), (1, 1, 0));
    assert_eq!(sizes(&split(&[4, 2, 9], None, 0.49, 0.49).unwrap()), (1, 1, 1));
    assert_error(split(&[4], None, 0.2, 0.0), &["only one row", "fraction of 0"]);
    assert_error(split(&[4, 2], None, 0.2, 0.2), &["2 rows", "3 parts"]);
    assert_error(split(&[], None, 0.0, 0.0), &["no rows"]);
}

#[test]
fn fractions_that_make_no_sense() {
    for fraction in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        assert_error(split(&[1, 2, 3], None, fraction, 0.0), &["validation fraction"]);
        assert_error(split(&[1, 2, 3], None, 0.0, fraction), &["test fraction"]);
    }
    assert_error(split(&[1, 2, 3], None, 0.5, 0.5), &["0.5", "nothing is left to train on"]);
}

#[test]
fn more_classes_than_training_rows() {
    let rows: Vec<usize> = (0..30).collect();
    let strata: Vec<u32> = (0..30).map(|row| row % 10).collect();
    assert_error(split(&rows, Some(&strata), 0.4, 0.4), &["6 training rows", "10 classes", "smaller"]);
    // Classes of one or two rows need not be in training.
    let strata: Vec<u32> = (0..30).map(|row| row % 15).collect();
    assert_eq!(sizes(&split(&rows, Some(&strata), 0.4, 0.4).unwrap()), (6, 12, 12));
}

#[test]
fn a_row_without_a_class() {
    assert_error(split(&[0, 5], Some(&[1, 1, 1]), 0.5, 0.0), &["row 5", "3 rows"]);
}
