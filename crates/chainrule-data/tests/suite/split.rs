//! Splits: exact totals, the share of each class, the order given, and what cannot be split.

use crate::folder::assert_error;
use crate::noise::Noise;
use chainrule_data::{Split, split, split_by_time, split_groups};

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

/// Row numbers in some order; not every row of the data is among them.
fn some_rows(noise: &mut Noise, count: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..2 * count).collect();
    (1..rows.len()).rev().for_each(|end| rows.swap(end, noise.below(end + 1)));
    rows.truncate(count);
    rows
}

/// The fractions of validation and test.
fn fractions(noise: &mut Noise) -> (f64, f64) {
    let mut fraction = || [0.0, 0.1, 0.2, 0.3, 0.45][noise.below(5)];
    (fraction(), fraction())
}

fn assert_parts(parts: &Split, rows: &[usize], validation: f64, test: f64, place: &str) {
    let mut all = [&parts.training[..], &parts.validation, &parts.test].concat();
    all.sort_unstable();
    let mut expected = rows.to_vec();
    expected.sort_unstable();
    assert_eq!(all, expected, "{place}: every row is in one part");
    assert!(!parts.training.is_empty(), "{place}");
    assert_eq!(parts.validation.is_empty(), validation == 0.0, "{place}");
    assert_eq!(parts.test.is_empty(), test == 0.0, "{place}");
}

fn parts_of(validation: f64, test: f64) -> usize {
    1 + usize::from(validation > 0.0) + usize::from(test > 0.0)
}

#[test]
fn no_group_is_torn() {
    let mut noise = Noise(11);
    let mut divided = 0;
    for round in 0..3000 {
        let count = 2 + noise.below(60);
        let rows = some_rows(&mut noise, count);
        // From many small groups to a few large ones of unequal sizes.
        let kinds = 1 + noise.below(count);
        let groups: Vec<u32> =
            (0..2 * count).map(|_| noise.below(1 + noise.0 as usize % kinds) as u32 * 7).collect();
        let (validation, test) = fractions(&mut noise);
        let place = format!("round {round}: {count} rows, {kinds} kinds, {validation}, {test}");
        let mut sizes = std::collections::BTreeMap::new();
        rows.iter().for_each(|row| *sizes.entry(groups[*row]).or_insert(0_usize) += 1);
        let parts = match split_groups(&rows, &groups, "person", validation, test) {
            Ok(parts) => parts,
            Err(error) => {
                assert!(
                    sizes.len() < parts_of(validation, test) || count < parts_of(validation, test),
                    "{place}: {error}"
                );
                continue;
            }
        };
        divided += 1;
        assert_parts(&parts, &rows, validation, test, &place);
        let of =
            |rows: &[usize]| rows.iter().map(|row| groups[*row]).collect::<std::collections::BTreeSet<_>>();
        let [training, validated, tested] =
            [&parts.training, &parts.validation, &parts.test].map(|rows| of(rows));
        assert!(training.is_disjoint(&validated) && training.is_disjoint(&tested), "{place}");
        assert!(validated.is_disjoint(&tested), "{place}");
        // A part has its share, give or take the largest group.
        let largest = *sizes.values().max().unwrap();
        for (part, fraction) in [(&parts.validation, validation), (&parts.test, test)] {
            let wanted = count as f64 * fraction;
            assert!(
                (part.len() as f64 - wanted).abs() <= largest as f64 + 1.0,
                "{place}: {} of {wanted}",
                part.len()
            );
        }
        for part in [&parts.training, &parts.validation, &parts.test] {
            let order = |row: &usize| rows.iter().position(|other| other == row);
            assert!(part.is_sorted_by_key(order), "{place}: the order given is kept");
        }
    }
    assert!(divided > 2000, "{divided}");
}

#[test]
fn shares_of_small_groups_are_exact() {
    let rows: Vec<usize> = (0..100).collect();
    let groups: Vec<u32> = (0..100).map(|row| row / 5).collect();
    assert_eq!(sizes(&split_groups(&rows, &groups, "person", 0.2, 0.1).unwrap()), (70, 20, 10));
    // One group is nearly everything: it trains.
    let groups: Vec<u32> = (0..100).map(|row| u32::from(row > 97) + u32::from(row > 98)).collect();
    assert_eq!(sizes(&split_groups(&rows, &groups, "person", 0.2, 0.2).unwrap()), (98, 1, 1));
    assert_error(
        split_groups(&rows, &[0; 100], "person", 0.2, 0.0),
        &["'person' has 1 group", "2 parts", "--validation or --test 0"],
    );
    let two: Vec<u32> = (0..100).map(|row| row % 2).collect();
    assert_error(split_groups(&rows, &two, "person", 0.2, 0.2), &["'person' has 2 groups", "3 parts"]);
    assert_error(split_groups(&[0, 5], &[1, 1, 1], "person", 0.2, 0.0), &["row 5", "3 rows"]);
    assert_error(split_groups(&rows, &two, "person", 1.0, 0.0), &["validation fraction"]);
    assert_error(split_groups(&rows, &two, "person", 0.5, 0.5), &["nothing is left to train on"]);
    assert_error(split_groups(&[1], &two, "person", 0.5, 0.0), &["only one row"]);
}

#[test]
fn a_split_by_time_never_looks_ahead() {
    let mut noise = Noise(12);
    let mut divided = 0;
    for round in 0..3000 {
        let count = 2 + noise.below(60);
        let rows = some_rows(&mut noise, count);
        let instants = 1 + noise.below(count);
        let times: Vec<f64> = (0..2 * count).map(|_| noise.below(instants) as f64 / 4.0 - 3.0).collect();
        let (validation, test) = fractions(&mut noise);
        let place = format!("round {round}: {count} rows, {instants} instants, {validation}, {test}");
        let different: std::collections::BTreeMap<u64, usize> =
            rows.iter().fold(Default::default(), |mut counts, row| {
                *counts.entry((times[*row] + 4.0).to_bits()).or_default() += 1;
                counts
            });
        let parts = match split_by_time(&rows, &times, "day", validation, test) {
            Ok(parts) => parts,
            Err(error) => {
                assert!(
                    different.len() < parts_of(validation, test) || count < parts_of(validation, test),
                    "{place}: {error}"
                );
                continue;
            }
        };
        divided += 1;
        assert_parts(&parts, &rows, validation, test, &place);
        let mut before = f64::NEG_INFINITY;
        for part in [&parts.training, &parts.validation, &parts.test] {
            let of = || part.iter().map(|row| times[*row]);
            let least = of().fold(f64::INFINITY, f64::min);
            assert!(before < least, "{place}");
            before = before.max(of().fold(f64::NEG_INFINITY, f64::max));
        }
        let largest = *different.values().max().unwrap();
        let wanted = count as f64 * test;
        assert!(
            (parts.test.len() as f64 - wanted).abs() <= largest as f64 + 1.0,
            "{place}: {} of {wanted}",
            parts.test.len()
        );
    }
    assert!(divided > 2000, "{divided}");
}

#[test]
fn the_latest_rows_test() {
    let times: Vec<f64> = (0..100).map(|row| f64::from((row * 37) % 100)).collect();
    let rows: Vec<usize> = (0..100).rev().collect();
    let parts = split_by_time(&rows, &times, "day", 0.2, 0.1).unwrap();
    let of = |rows: &[usize]| rows.iter().map(|row| times[*row]).collect::<Vec<_>>();
    let range = |range: std::ops::Range<i32>| range.map(f64::from).collect::<Vec<_>>();
    assert_eq!(of(&parts.training), range(0..70));
    assert_eq!(of(&parts.validation), range(70..90));
    assert_eq!(of(&parts.test), range(90..100));
    assert_error(split_by_time(&rows, &[5.0; 100], "day", 0.0, 0.1), &["'day' has 1 instant", "2 parts"]);
    assert_error(split_by_time(&[0, 5], &[1.0, 2.0], "day", 0.2, 0.0), &["row 5", "2 rows"]);
    assert_error(split_by_time(&rows, &times, "day", -0.2, 0.0), &["validation fraction"]);
    assert_error(split_by_time(&[], &times, "day", 0.0, 0.0), &["no rows"]);
}
