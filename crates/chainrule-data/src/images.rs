//! Grey images of one size, with their labels or without.

use crate::error::{DataError, Result};
use crate::names;
use std::collections::BTreeSet;

/// Grey images of one size. [`read`](crate::read) and [`Images::new`] make them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Images {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Shape \[rows, height, width\], row-major.
    pub pixels: Pixels,
    /// The class or the number of each image, shape \[rows\]; `None` where the source has none.
    pub labels: Option<Vec<i64>>,
    /// Whether bytes stand for numbers that happen to be bytes: where other images hold fractions, such a 1 is the number
    /// 1, not a 255th of the brightest.
    pub(crate) bytes_are_numbers: bool,
    /// Where the labels were looked for, if they were.
    pub(crate) labels_file: Option<String>,
}

/// The pixels of images.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// One byte a pixel.
    Bytes {
        /// The brightest value a pixel can have; 0 is the darkest.
        maximum: u8,
        /// The pixels.
        values: Vec<u8>,
    },
    /// Numbers of any size, all finite, at least one of which is not a whole number from 0 to 255.
    Numbers(Vec<f64>),
}

impl Pixels {
    /// How many pixels all images have together.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes { values, .. } => values.len(),
            Self::Numbers(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Images {
    /// Images in memory. Numbers that are all whole and from 0 to 255 become bytes with the maximum 255, so that the same
    /// images give the same inputs whatever type they come in.
    ///
    /// # Errors
    /// No pixels; a number of pixels that is no multiple of an image's; a maximum of 0; `nan` or `inf`; more or fewer
    /// labels than images.
    pub fn new(height: usize, width: usize, pixels: Pixels, labels: Option<Vec<i64>>) -> Result<Self> {
        Self::from_source("the images", height, width, pixels, labels)
    }

    /// As [`new`](Self::new), for images that come from a file.
    pub(crate) fn from_source(
        file: &str,
        height: usize,
        width: usize,
        pixels: Pixels,
        labels: Option<Vec<i64>>,
    ) -> Result<Self> {
        let wrong = |problem: String| DataError::Images { file: file.to_owned(), problem };
        let size =
            height.checked_mul(width).ok_or_else(|| wrong("an image has too many pixels".to_owned()))?;
        if size == 0 || pixels.is_empty() {
            return Err(wrong("there are no pixels".to_owned()));
        }
        if !pixels.len().is_multiple_of(size) {
            return Err(wrong(format!(
                "{} are no multiple of the {} of an image",
                names::count(pixels.len(), "pixel", "pixels"),
                names::thousands(size)
            )));
        }
        let rows = pixels.len() / size;
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != rows) {
            return Err(wrong(format!(
                "there are {} and {}",
                names::count(rows, "image", "images"),
                names::count(labels.len(), "label", "labels")
            )));
        }
        let (pixels, bytes_are_numbers) = match pixels {
            Pixels::Bytes { maximum: 0, .. } => {
                return Err(wrong("the maximum of the pixels is 0".to_owned()));
            }
            Pixels::Bytes { .. } => (pixels, false),
            Pixels::Numbers(values) => {
                if let Some(position) = values.iter().position(|value| !value.is_finite()) {
                    return Err(DataError::Pixel {
                        file: file.to_owned(),
                        pixel: pixel_name(position, width, size),
                        value: values[position],
                        problem: "which is not a finite number",
                    });
                }
                match values.iter().map(|value| as_byte(*value)).collect() {
                    Some(values) => (Pixels::Bytes { maximum: u8::MAX, values }, true),
                    None => (Pixels::Numbers(values), false),
                }
            }
        };
        Ok(Self { height, width, pixels, labels, bytes_are_numbers, labels_file: None })
    }

    /// Bytes that pixels and labels hold.
    pub(crate) fn bytes(&self) -> usize {
        let pixels = match &self.pixels {
            Pixels::Bytes { values, .. } => values.len(),
            Pixels::Numbers(values) => size_of_val(values.as_slice()),
        };
        pixels + self.labels.as_ref().map_or(0, |labels| size_of_val(labels.as_slice()))
    }

    /// How many images there are.
    pub fn rows(&self) -> usize {
        match self.size() {
            0 => 0,
            size => self.pixels.len() / size,
        }
    }

    /// Pixels an image.
    pub(crate) fn size(&self) -> usize {
        self.height * self.width
    }

    /// The labels, which something needs. `name` is that of the data set.
    pub(crate) fn needed_labels(&self, name: &str) -> Result<&[i64]> {
        self.labels
            .as_deref()
            .ok_or_else(|| DataError::NoLabels { file: name.to_owned(), wanted: self.labels_file.clone() })
    }

    /// The different labels, in their order.
    pub(crate) fn classes(&self) -> Vec<i64> {
        let distinct: BTreeSet<i64> = self.labels.iter().flatten().copied().collect();
        distinct.into_iter().collect()
    }

    /// `1,797 images of 8 x 8, 10 classes`
    pub(crate) fn description(&self) -> String {
        let labels = match &self.labels {
            Some(_) => names::count(self.classes().len(), "class", "classes"),
            None => "without labels".to_owned(),
        };
        let rows = names::count(self.rows(), "image", "images");
        format!("{rows} of {} x {}, {labels}", self.height, self.width)
    }

    /// Puts more images behind these. Both have labels, or neither has.
    pub(crate) fn append(&mut self, file: &str, more: Self, more_file: &str) -> Result<()> {
        if (self.height, self.width) != (more.height, more.width) {
            return Err(DataError::Idx {
                file: more_file.to_owned(),
                expected: format!("images of {} x {} pixels, as in {file}", self.height, self.width),
                found: format!("{} x {}", more.height, more.width),
            });
        }
        let mixed = |bytes: &str, numbers: &str| DataError::Images {
            file: bytes.to_owned(),
            problem: format!(
                "its pixels are unsigned bytes, but those of {numbers} are other numbers; \
                 write both in one element type"
            ),
        };
        match (&mut self.pixels, more.pixels) {
            (Pixels::Bytes { values, .. }, Pixels::Bytes { values: others, .. }) => {
                values.extend_from_slice(&others);
                // Where one file holds true bytes, the whole is compared with fractions no more.
                self.bytes_are_numbers &= more.bytes_are_numbers;
            }
            (Pixels::Numbers(values), Pixels::Numbers(others)) => values.extend_from_slice(&others),
            (Pixels::Numbers(values), Pixels::Bytes { values: others, .. }) => {
                if !more.bytes_are_numbers {
                    return Err(mixed(more_file, file));
                }
                values.extend(others.into_iter().map(f64::from));
            }
            (Pixels::Bytes { values, .. }, Pixels::Numbers(others)) => {
                if !self.bytes_are_numbers {
                    return Err(mixed(file, more_file));
                }
                self.pixels =
                    Pixels::Numbers(values.iter().map(|value| f64::from(*value)).chain(others).collect());
                self.bytes_are_numbers = false;
            }
        }
        if let (Some(labels), Some(others)) = (&mut self.labels, more.labels) {
            labels.extend_from_slice(&others);
        }
        Ok(())
    }
}

/// The byte that equals a number, if one does.
pub(crate) fn as_byte(number: f64) -> Option<u8> {
    let byte = number as u8;
    (f64::from(byte) == number).then_some(byte)
}

/// `pixel 3,4 of image 12 (counted from 0)`, for a position in the pixels of all images of `size` pixels.
pub(crate) fn pixel_name(position: usize, width: usize, size: usize) -> String {
    let (image, pixel) = (position / size, position % size);
    format!("pixel {},{} of image {image} (counted from 0)", pixel / width, pixel % width)
}
