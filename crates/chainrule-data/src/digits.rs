//! The built-in set `digits`: 1,797 handwritten digits of 8 x 8 pixels. `data/README.md` names source and licence.

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{Images, Pixels};
use flate2::read::GzDecoder;
use std::io::Read;

pub(crate) const NAME: &str = "digits";
const COMPRESSED: &[u8] = include_bytes!("../data/digits.bin.gz");
const ROWS: usize = 1797;
const SIDE: usize = 8;
const MAXIMUM: u8 = 16;

pub(crate) fn read() -> Result<Dataset> {
    let damaged = |problem: String| DataError::BuiltIn { name: NAME, problem };
    let expected = ROWS * SIDE * SIDE + ROWS;
    let mut pixels = Vec::with_capacity(expected);
    GzDecoder::new(COMPRESSED).read_to_end(&mut pixels).map_err(|error| damaged(error.to_string()))?;
    if pixels.len() != expected {
        return Err(damaged(format!("expected {expected} bytes, found {}", pixels.len())));
    }
    let labels = pixels.split_off(ROWS * SIDE * SIDE).into_iter().map(i64::from).collect();
    let pixels = Pixels::Bytes { maximum: MAXIMUM, values: pixels };
    Ok(Dataset::from_images(NAME, Images::from_source(NAME, SIDE, SIDE, pixels, Some(labels))?))
}
