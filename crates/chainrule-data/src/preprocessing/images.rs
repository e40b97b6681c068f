//! Images as inputs: x' = (x - mean) / standard deviation with one mean and one deviation for all pixels, where x is a byte
//! divided by its maximum, or a number as it is.

use super::apply::{InputNumber, zeros};
use super::{ImageInputs, PIXELS};
use crate::error::{DataError, Place, Result};
use crate::images::{Images, Pixels, pixel_name};
use crate::statistics::Statistics;

impl ImageInputs {
    /// For a network that says nothing of preprocessing: bytes are divided by their maximum, numbers taken as they are.
    pub fn plain(images: &Images) -> Self {
        let (maximum, numbers) = match &images.pixels {
            Pixels::Bytes { maximum, .. } => (*maximum, false),
            Pixels::Numbers(_) => (1, true),
        };
        let (height, width) = (images.height, images.width);
        Self { height, width, maximum, mean: 0.0, standard_deviation: 1.0, numbers, constant: Vec::new() }
    }

    /// Finds the mean, the deviation and the constant pixels of the training rows.
    pub(super) fn fit(file: &str, images: &Images, rows: &[usize]) -> Result<Self> {
        let size = images.size();
        if u32::try_from(size).is_err() {
            return Err(DataError::TooLarge { rows: rows.len(), width: size });
        }
        let plain = Self::plain(images);
        let (statistics, constant) = match &images.pixels {
            Pixels::Bytes { maximum, values } => {
                let mut counts = [0_u64; 256];
                for &row in rows {
                    image(values, size, row).iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
                }
                let value = |byte: u8| f64::from(byte) / f64::from(*maximum);
                (Statistics::of_bytes(&counts, *maximum), constant(values, size, rows, |a, b| a == b, value))
            }
            Pixels::Numbers(values) => {
                let pixels = rows.iter().flat_map(|&row| image(values, size, row).iter().copied());
                let is_same = |a: f64, b: f64| a.to_bits() == b.to_bits();
                (Statistics::of_all(pixels), constant(values, size, rows, is_same, |number| number))
            }
        };
        let Statistics { mean, standard_deviation, .. } = statistics
            .ok_or_else(|| DataError::Overflow { file: file.to_owned(), column: PIXELS.to_owned() })?;
        Ok(Self { mean, standard_deviation, constant, ..plain })
    }

    /// The inputs of some rows, shape [rows, height * width].
    pub(super) fn inputs<T: InputNumber>(
        &self,
        file: &str,
        images: &Images,
        rows: &[usize],
    ) -> Result<Vec<T>> {
        self.check_size(file, images)?;
        let size = images.size();
        let constant = self.constant_inputs::<T>(file)?;
        let mut inputs = zeros(rows.len(), size)?;
        let rows_of_inputs = inputs.chunks_exact_mut(size.max(1)).zip(rows);
        match &images.pixels {
            Pixels::Bytes { maximum, values } => {
                let number_of = self.numbers_of_bytes(file, self.divisor(file, images, *maximum)?)?;
                for (inputs, &row) in rows_of_inputs {
                    for (input, pixel) in inputs.iter_mut().zip(image(values, size, row)) {
                        *input = number_of[usize::from(*pixel)];
                    }
                    constant.iter().for_each(|&(position, number)| inputs[position] = number);
                }
            }
            Pixels::Numbers(values) => {
                self.check_numbers(file, images, values)?;
                for (inputs, &row) in rows_of_inputs {
                    for (position, (input, &pixel)) in
                        inputs.iter_mut().zip(image(values, size, row)).enumerate()
                    {
                        let number = (pixel - self.mean) / self.standard_deviation;
                        *input = T::rounded(number).ok_or_else(|| DataError::Pixel {
                            file: file.to_owned(),
                            pixel: pixel_name(row * size + position, images.width, size),
                            value: pixel,
                            problem: "which is too far from the training pixels to be represented",
                        })?;
                    }
                    constant.iter().for_each(|&(position, number)| inputs[position] = number);
                }
            }
        }
        Ok(inputs)
    }

    /// The pixels of some rows as bytes, shape [rows, height * width], and the input that each byte stands for. `None` where
    /// the pixels are numbers, or where no byte stands for what a constant pixel was in training.
    pub(super) fn bytes<T: InputNumber>(
        &self,
        file: &str,
        images: &Images,
        rows: &[usize],
    ) -> Result<Option<(Vec<u8>, [T; 256])>> {
        self.check_size(file, images)?;
        let Pixels::Bytes { maximum, values } = &images.pixels else {
            return Ok(None);
        };
        let divisor = self.divisor(file, images, *maximum)?;
        let number_of = self.numbers_of_bytes(file, divisor)?;
        let byte_of = |&(position, value): &(u32, f64)| {
            let byte = (value * divisor).round() as u8;
            (f64::from(byte) / divisor == value).then_some((position as usize, byte))
        };
        let Some(constant) = self.constant.iter().map(byte_of).collect::<Option<Vec<(usize, u8)>>>() else {
            return Ok(None);
        };
        let size = images.size();
        let too_large = || DataError::TooLarge { rows: rows.len(), width: size };
        let length = rows.len().checked_mul(size).ok_or_else(too_large)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| too_large())?;
        for &row in rows {
            let start = bytes.len();
            bytes.extend_from_slice(image(values, size, row));
            constant.iter().for_each(|&(position, byte)| bytes[start + position] = byte);
        }
        Ok(Some((bytes, number_of)))
    }

    fn check_size(&self, file: &str, images: &Images) -> Result<()> {
        if (images.height, images.width) == (self.height, self.width) {
            return Ok(());
        }
        Err(DataError::ImageSize {
            file: file.to_owned(),
            found: (images.height, images.width),
            expected: (self.height, self.width),
        })
    }

    /// What bytes are divided by. Bytes of 255 stand for the brightest pixel, numbers for themselves: to take the one for the
    /// other would be wrong by a factor of 255, in silence.
    fn divisor(&self, file: &str, images: &Images, maximum: u8) -> Result<f64> {
        match (self.numbers, images.bytes_are_numbers) {
            (false, _) => Ok(f64::from(maximum)),
            (true, true) => Ok(1.0),
            (true, false) => Err(DataError::Images {
                file: file.to_owned(),
                problem: "its pixels are unsigned bytes, but the training pixels were other numbers; \
                          write the images in the element type and on the scale of the training images"
                    .to_owned(),
            }),
        }
    }

    /// Numbers are taken only where the training pixels were numbers, for the same reason.
    fn check_numbers(&self, file: &str, images: &Images, values: &[f64]) -> Result<()> {
        if self.numbers {
            return Ok(());
        }
        let position = values.iter().position(|value| crate::images::as_byte(*value).is_none()).unwrap_or(0);
        Err(DataError::Pixel {
            file: file.to_owned(),
            pixel: pixel_name(position, images.width, images.size()),
            value: values.get(position).copied().unwrap_or_default(),
            problem: "which is not a whole number from 0 to 255, as all training pixels were",
        })
    }

    /// The input that a pixel's value becomes.
    fn input<T: InputNumber>(&self, file: &str, value: f64, shown: &dyn Fn() -> String) -> Result<T> {
        T::rounded((value - self.mean) / self.standard_deviation).ok_or_else(|| DataError::TooFar {
            place: Place { file: file.to_owned(), line: None, row: None, column: PIXELS.into() },
            cell: shown(),
        })
    }

    fn numbers_of_bytes<T: InputNumber>(&self, file: &str, divisor: f64) -> Result<[T; 256]> {
        let mut number_of = [T::ZERO; 256];
        for byte in 0..=u8::MAX {
            number_of[usize::from(byte)] =
                self.input(file, f64::from(byte) / divisor, &|| byte.to_string())?;
        }
        Ok(number_of)
    }

    /// The inputs that are the same for every image.
    fn constant_inputs<T: InputNumber>(&self, file: &str) -> Result<Vec<(usize, T)>> {
        let input = |&(position, value): &(u32, f64)| {
            Ok((position as usize, self.input(file, value, &|| value.to_string())?))
        };
        self.constant.iter().map(input).collect()
    }
}

fn image<V>(values: &[V], size: usize, row: usize) -> &[V] {
    &values[row * size..][..size]
}

/// The positions at which all rows have the same pixel, and its value. One row alone says nothing of that.
fn constant<V: Copy>(
    values: &[V],
    size: usize,
    rows: &[usize],
    is_same: impl Fn(V, V) -> bool,
    value: impl Fn(V) -> f64,
) -> Vec<(u32, f64)> {
    let [first, _, ..] = rows else {
        return Vec::new();
    };
    let first = image(values, size, *first);
    let mut varies = vec![false; size];
    for &row in rows {
        for ((varies, pixel), first) in varies.iter_mut().zip(image(values, size, row)).zip(first) {
            *varies |= !is_same(*pixel, *first);
        }
    }
    (0_u32..)
        .zip(varies.into_iter().zip(first))
        .filter(|(_, (varies, _))| !varies)
        .map(|(position, (_, pixel))| (position, value(*pixel)))
        .collect()
}
