//! Divides rows into a training, a validation and a test part.
//!
//! With classes, each part gets its share of every class. Shares are whole rows by the method of the largest remainder:
//! every class gets the whole part of total * size / all, and the rows that are left go to the largest fractions.

use crate::error::{DataError, Result};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The rows of each part, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The rows to compute gradients from.
    pub training: Vec<usize>,
    /// The rows that decide when to stop.
    pub validation: Vec<usize>,
    /// The rows that are looked at once, at the end.
    pub test: Vec<usize>,
}

/// A class with at least this many rows always has one in training.
const LEAST_TO_TRAIN: usize = 3;

/// Splits rows that the caller has shuffled; the same order gives the same split.
///
/// `validation` and `test` are fractions of the rows. They are rounded to whole rows, and a fraction above 0 is at least
/// one row. `strata` gives the class of each row of the data set, by row number; then every part gets its share of each
/// class, and every class with three rows or more has one in training (smaller ones too, where there is room for all).
///
/// # Errors
/// A fraction below 0, or fractions that add up to 1 or more; fewer rows than parts; fewer training rows than classes
/// that need one; a row without a class.
pub fn split(rows: &[usize], strata: Option<&[u32]>, validation: f64, test: f64) -> Result<Split> {
    check_fractions(validation, test)?;
    let (validation, test) = counts(rows.len(), validation, test)?;
    let stratum = |row: usize| match strata {
        None => Ok(0),
        Some(strata) => strata.get(row).copied().ok_or(DataError::NoStratum { row, known: strata.len() }),
    };
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for &row in rows {
        *sizes.entry(stratum(row)?).or_default() += 1;
    }
    let shares = shares(&sizes.values().copied().collect::<Vec<_>>(), validation, test)?;
    let mut left: BTreeMap<u32, Share> = sizes.into_keys().zip(shares).collect();

    let mut split = Split::default();
    for &row in rows {
        let part = match left.get_mut(&stratum(row)?) {
            Some(share) if share.test > 0 => {
                share.test -= 1;
                &mut split.test
            }
            Some(share) if share.validation > 0 => {
                share.validation -= 1;
                &mut split.validation
            }
            _ => &mut split.training,
        };
        part.push(row);
    }
    Ok(split)
}

fn check_fraction(part: &'static str, fraction: f64) -> Result<()> {
    match (0.0..1.0).contains(&fraction) {
        true => Ok(()),
        false => Err(DataError::Fraction { part, fraction }),
    }
}

/// How many rows are for validation and for testing; at least one is left for training.
fn counts(rows: usize, validation: f64, test: f64) -> Result<(usize, usize)> {
    let parts = 1 + usize::from(validation > 0.0) + usize::from(test > 0.0);
    if rows < parts {
        return Err(DataError::TooFewRows { rows, parts });
    }
    let count = |fraction: f64| match fraction > 0.0 {
        true => ((rows as f64 * fraction).round() as usize).max(1),
        false => 0,
    };
    let (mut validation, mut test) = (count(validation), count(test));
    while validation + test >= rows {
        let larger = if validation > test { &mut validation } else { &mut test };
        *larger -= 1;
    }
    Ok((validation, test))
}

/// How many rows of a class go to the parts other than training.
struct Share {
    validation: usize,
    test: usize,
}

/// The share of each class: first of all rows that are not for training, then of those the ones for testing.
fn shares(sizes: &[usize], validation: usize, test: usize) -> Result<Vec<Share>> {
    let held_out = validation + test;
    let keep_one = |least: usize| -> Vec<usize> {
        (sizes.iter()).map(|&size| size - usize::from(size >= least)).collect()
    };
    let limits = [1, LEAST_TO_TRAIN]
        .map(keep_one)
        .into_iter()
        .find(|limits| limits.iter().sum::<usize>() >= held_out)
        .ok_or_else(|| DataError::TooFewForClasses {
            training: sizes.iter().sum::<usize>() - held_out,
            classes: sizes.iter().filter(|size| **size >= LEAST_TO_TRAIN).count(),
        })?;
    let held_out = apportion(held_out, sizes, &limits);
    let test = apportion(test, &held_out, &held_out);
    Ok((held_out.into_iter().zip(test))
        .map(|(held_out, test)| Share { validation: held_out - test, test })
        .collect())
}

/// Divides `total` in proportion to `weights` by the largest remainder, with no part above its limit.
/// The limits add up to `total` or more.
fn apportion(total: usize, weights: &[usize], limits: &[usize]) -> Vec<usize> {
    let sum = weights.iter().map(|&weight| weight as u128).sum::<u128>();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let product = |weight: usize| total as u128 * weight as u128;
    let mut parts: Vec<usize> = (weights.iter().zip(limits))
        .map(|(&weight, &limit)| ((product(weight) / sum) as usize).min(limit))
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| Reverse(product(weights[index]) % sum));

    let mut left = total - parts.iter().sum::<usize>();
    while left > 0 {
        let before = left;
        for &index in &order {
            if left > 0 && parts[index] < limits[index] {
                parts[index] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    parts
}

/// Splits rows so that no group stands in two parts. `groups` gives the group of each row of the data set, by row number.
///
/// The rows are those that the caller has shuffled; groups are taken in the order of their first rows, each into the part
/// that it fills up to its share, first the test, then the validation. A part has at least one group where its fraction is
/// above 0, and so has training. `column` names the groups in errors.
///
/// # Errors
/// As [`split`]; fewer groups than parts.
pub fn split_groups(
    rows: &[usize],
    groups: &[u32],
    column: &str,
    validation: f64,
    test: f64,
) -> Result<Split> {
    check_fractions(validation, test)?;
    let (validation, test) = counts(rows.len(), validation, test)?;
    let mut order: Vec<u32> = Vec::new();
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for &row in rows {
        let group = groups.get(row).copied().ok_or(DataError::NoStratum { row, known: groups.len() })?;
        let size = sizes.entry(group).or_default();
        if *size == 0 {
            order.push(group);
        }
        *size += 1;
    }
    check_parts(column, "group", order.len(), validation, test)?;
    // 0 trains, 1 validates, 2 tests. A group goes into the first part that it does not overfill; what a part still lacks
    // at the end, it gets from the groups that are left, as long as one is left for training.
    let wanted = [0, validation, test];
    let mut filled = [0_usize; 3];
    let mut part_of: BTreeMap<u32, usize> = BTreeMap::new();
    for group in &order {
        let size = sizes[group];
        let part = [2, 1].into_iter().find(|&part| filled[part] + size <= wanted[part]).unwrap_or(0);
        filled[part] += size;
        part_of.insert(*group, part);
    }
    for part in [2, 1] {
        if wanted[part] == 0 || filled[part] > 0 {
            continue;
        }
        // Every group is larger than this part is to be: the smallest one, from where most groups are.
        let training = order.iter().filter(|group| part_of[group] == 0).count();
        let from = if training > 1 { 0 } else { 3 - part };
        if let Some(group) =
            order.iter().filter(|group| part_of[group] == from).min_by_key(|group| sizes[group])
        {
            part_of.insert(*group, part);
        }
    }
    if !part_of.values().any(|part| *part == 0)
        && let Some(group) = order.iter().max_by_key(|group| sizes[group])
    {
        part_of.insert(*group, 0);
    }
    let mut split = Split::default();
    for &row in rows {
        match part_of[&groups[row]] {
            2 => split.test.push(row),
            1 => split.validation.push(row),
            _ => split.training.push(row),
        }
    }
    Ok(split)
}

/// Splits rows so that the latest test, those before them validate, and the earliest train; rows of one instant stay
/// together, so that nothing is learned from what comes at the same time as what is predicted, or later. `times` gives the
/// instant of each row of the data set, by row number; `column` names it in errors.
///
/// # Errors
/// As [`split`]; fewer instants than parts.
pub fn split_by_time(
    rows: &[usize],
    times: &[f64],
    column: &str,
    validation: f64,
    test: f64,
) -> Result<Split> {
    check_fractions(validation, test)?;
    let (validation, test) = counts(rows.len(), validation, test)?;
    if let Some(&row) = rows.iter().find(|row| **row >= times.len()) {
        return Err(DataError::NoStratum { row, known: times.len() });
    }
    let mut order: Vec<usize> = rows.to_vec();
    order.sort_by(|&one, &two| times[one].total_cmp(&times[two]));
    // Where a new instant begins.
    let begins: Vec<usize> =
        (1..order.len()).filter(|&at| times[order[at]] != times[order[at - 1]]).collect();
    let parts = check_parts(column, "instant", begins.len() + 1, validation, test)?;
    // The border nearest to where it should be, with room for the parts before it.
    let nearest = |wanted: usize, before: usize, below: usize| {
        let allowed = begins.get(before..).unwrap_or_default().iter().filter(|at| **at < below);
        allowed.min_by_key(|at| at.abs_diff(wanted)).copied().unwrap_or(below)
    };
    let end = order.len();
    let tested = if test > 0 { nearest(end - test, parts - 2, end) } else { end };
    let validated =
        if validation > 0 { nearest(tested.saturating_sub(validation), 0, tested) } else { tested };
    Ok(Split {
        training: order[..validated].to_vec(),
        validation: order[validated..tested].to_vec(),
        test: order[tested..].to_vec(),
    })
}

/// How many parts there are to be; as many groups or instants are needed.
fn check_parts(
    column: &str,
    what: &'static str,
    found: usize,
    validation: usize,
    test: usize,
) -> Result<usize> {
    let parts = 1 + usize::from(validation > 0) + usize::from(test > 0);
    match found < parts {
        true => Err(DataError::TooFewGroups { column: column.to_owned(), what, found, parts }),
        false => Ok(parts),
    }
}

fn check_fractions(validation: f64, test: f64) -> Result<()> {
    check_fraction("validation", validation)?;
    check_fraction("test", test)?;
    match validation + test >= 1.0 {
        true => Err(DataError::Fractions { validation, test }),
        false => Ok(()),
    }
}
