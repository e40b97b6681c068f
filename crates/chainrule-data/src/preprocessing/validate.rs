//! Checks a preprocessing that came from a file, so that applying it cannot fail for its own fault.

use super::{
    BUCKETS, ClassTarget, ImageInputs, InputColumn, InputPreprocessing, Preprocessing, RobustScale,
    TargetPreprocessing,
};
use crate::error::{DataError, Result};
use crate::target::ClassIndex;
use std::collections::HashSet;

impl Preprocessing {
    /// Checks that every name is there and distinct, every number finite, every standard deviation positive, and every
    /// size between 1 and what the memory can address.
    ///
    /// # Errors
    /// [`DataError::InvalidPreprocessing`], which says what is wrong.
    pub fn validate(&self) -> Result<()> {
        let checked = match &self.inputs {
            InputPreprocessing::Columns(columns) => check_columns(columns, &self.target_names()),
            InputPreprocessing::Images(images) => check_images(images),
        };
        checked
            .and_then(|()| check_target(&self.target))
            .map_err(|problem| DataError::InvalidPreprocessing { problem })
    }
}

type Checked = std::result::Result<(), String>;

fn check_columns(columns: &[InputColumn], targets: &[&str]) -> Checked {
    if columns.is_empty() {
        return Err("it has no input columns".to_owned());
    }
    let mut names: HashSet<&str> = targets.iter().copied().collect();
    let mut width = 0_usize;
    for column in columns {
        let name = column.name();
        if name.is_empty() {
            return Err("an input column has no name".to_owned());
        }
        if !names.insert(name) {
            return Err(format!("column '{name}' occurs twice"));
        }
        match column {
            InputColumn::Numeric(numeric) | InputColumn::Truth(numeric) => {
                check_scale(name, numeric.mean, numeric.standard_deviation)?;
            }
            InputColumn::Indicator(_) => {}
            InputColumn::Robust(column) | InputColumn::RobustTruth(column) => {
                check_robust(name, &column.scale)?;
            }
            InputColumn::OneHot(column) => {
                check_categories(name, &column.categories, &[])?;
                let inputs = if column.categories.len() == 2 { 1 } else { column.categories.len() };
                if column.scales.len() != inputs {
                    let scales = column.scales.len();
                    return Err(format!("column '{name}' has {scales} scales for {inputs} inputs"));
                }
                column.scales.iter().try_for_each(|scale| check_robust(name, scale))?;
            }
            InputColumn::Index(column) => {
                check_categories(name, &column.categories, &column.buckets)?;
                if !column.categories.is_sorted() {
                    return Err(format!("the categories of column '{name}' are not in their order"));
                }
            }
            InputColumn::Date(date) => {
                if date.parts.is_empty() {
                    return Err(format!("column '{name}' has no parts"));
                }
                for part in &date.parts {
                    if !crate::date::PARTS.contains(&part.part.as_str()) {
                        return Err(format!("column '{name}' has an unknown part '{}'", part.part));
                    }
                    check_scale(name, part.mean, part.standard_deviation)?;
                }
            }
            InputColumn::Categorical(categorical) => {
                check_categories(name, &categorical.categories, &categorical.buckets)?;
            }
        }
        width = width.checked_add(column.width()).ok_or("it has too many inputs")?;
    }
    Ok(())
}

fn check_categories(name: &str, categories: &[String], buckets: &[u32]) -> Checked {
    if categories.is_empty() {
        return Err(format!("column '{name}' has no categories"));
    }
    if categories.iter().collect::<HashSet<_>>().len() < categories.len() {
        return Err(format!("column '{name}' has a category twice"));
    }
    if !buckets.is_sorted_by(|one, two| one < two) || buckets.iter().any(|bucket| *bucket >= BUCKETS) {
        return Err(format!("column '{name}' has groups that are none"));
    }
    Ok(())
}

fn check_robust(name: &str, scale: &RobustScale) -> Checked {
    if !scale.median.is_finite() {
        return Err(format!("the median of '{name}' is {}", scale.median));
    }
    if !scale.range.is_finite() || scale.range <= 0.0 {
        return Err(format!("the range of '{name}' is {}", scale.range));
    }
    Ok(())
}

fn check_images(images: &ImageInputs) -> Checked {
    if images.height == 0 || images.width == 0 {
        return Err("its images have no pixels".to_owned());
    }
    if images.height.checked_mul(images.width).is_none() {
        return Err("its images have too many pixels".to_owned());
    }
    if images.maximum == 0 {
        return Err("the maximum of its pixels is 0".to_owned());
    }
    for (position, value) in &images.constant {
        if *position as usize >= images.height * images.width {
            return Err(format!("it has no pixel {position}, which it calls constant"));
        }
        if !value.is_finite() {
            return Err(format!("its constant pixel {position} is {value}"));
        }
    }
    if !images.constant.is_sorted_by(|a, b| a.0 < b.0) {
        return Err("its constant pixels are not in their order".to_owned());
    }
    check_scale("pixels", images.mean, images.standard_deviation)
}

fn check_target(target: &TargetPreprocessing) -> Checked {
    match target {
        TargetPreprocessing::Classes(target) => check_classes(target),
        TargetPreprocessing::Numbers(targets) => {
            if targets.is_empty() {
                return Err("it has no target".to_owned());
            }
            let mut names = HashSet::new();
            for target in targets {
                check_target_name(&target.name)?;
                if !names.insert(&target.name) {
                    return Err(format!("the target '{}' occurs twice", target.name));
                }
                check_scale(&target.name, target.mean, target.standard_deviation)?;
                if let Some((least, greatest)) = target.within
                    && !(least.is_finite() && greatest.is_finite() && least <= greatest)
                {
                    return Err(format!("'{}' is kept within {least} and {greatest}", target.name));
                }
            }
            Ok(())
        }
    }
}

fn check_classes(target: &ClassTarget) -> Checked {
    check_target_name(&target.name)?;
    let classes = &target.classes;
    if classes.len() < 2 {
        return Err("it has fewer than two classes".to_owned());
    }
    if u32::try_from(classes.len()).is_err() {
        return Err("it has too many classes".to_owned());
    }
    if classes.iter().any(String::is_empty) {
        return Err("a class has no name".to_owned());
    }
    if !ClassIndex::new(classes).is_distinct(classes) {
        return Err("it has a class twice".to_owned());
    }
    match &target.positive {
        Some(positive) if !classes.contains(positive) => {
            Err(format!("'{positive}', which F1 is for, is no class"))
        }
        _ => Ok(()),
    }
}

fn check_target_name(name: &str) -> Checked {
    if name.is_empty() {
        return Err("the target has no name".to_owned());
    }
    Ok(())
}

fn check_scale(name: &str, mean: f64, standard_deviation: f64) -> Checked {
    if !mean.is_finite() {
        return Err(format!("the mean of '{name}' is {mean}"));
    }
    if !standard_deviation.is_finite() || standard_deviation <= 0.0 {
        return Err(format!("the standard deviation of '{name}' is {standard_deviation}"));
    }
    Ok(())
}
