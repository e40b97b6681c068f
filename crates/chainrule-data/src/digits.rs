//! The built-in set `digits` as a data set.

use chainrule_digits::{HEIGHT, MAXIMUM, WIDTH, labels, pixels};

use crate::dataset::Dataset;
use crate::error::Result;
use crate::images::{Images, Pixels};

pub(crate) const NAME: &str = "digits";

pub(crate) fn read() -> Result<Dataset> {
    let labels = labels().iter().map(|&label| i64::from(label)).collect();
    let pixels = Pixels::Bytes { maximum: MAXIMUM, values: pixels().to_vec() };
    Ok(Dataset::from_images(NAME, Images::from_source(NAME, HEIGHT, WIDTH, pixels, Some(labels))?))
}
