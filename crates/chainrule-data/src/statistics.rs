//! Mean and population standard deviation: mean = sum(x) / n, deviation = sqrt(sum((x - mean)^2) / n).

/// What standardization subtracts and divides by. The deviation of a constant is given as 1, so that it becomes 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) mean: f64,
    pub(crate) standard_deviation: f64,
    pub(crate) is_constant: bool,
}

impl Statistics {
    /// As [`of_all`](Self::of_all), of a slice.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        Self::of_all(values.iter().copied())
    }

    /// Two passes: the mean, then the deviations from it, divided by the largest of them so that their squares neither
    /// overflow nor vanish. `None` where there are no values, or where they are so large that their sum overflows.
    pub(crate) fn of_all(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let first = values.clone().next()?;
        if values.clone().all(|value| value == first) {
            return Some(Self::constant(first));
        }
        let count = values.clone().count() as f64;
        let rounded_mean = values.clone().sum::<f64>() / count;
        let correction = values.clone().map(|value| value - rounded_mean).sum::<f64>() / count;
        let mean = rounded_mean + correction;

        let largest = values.clone().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        let squares: f64 = values.map(|value| ((value - mean) / largest).powi(2)).sum();
        let standard_deviation = largest * (squares / count).sqrt();
        let usable = mean.is_finite() && standard_deviation.is_finite() && standard_deviation > 0.0;
        usable.then_some(Self { mean, standard_deviation, is_constant: false })
    }

    /// The same of bytes divided by `maximum`, from how often each byte occurs.
    pub(crate) fn of_bytes(counts: &[u64; 256], maximum: u8) -> Option<Self> {
        let maximum = f64::from(maximum);
        let count = counts.iter().sum::<u64>() as f64;
        let weighted = |value: &dyn Fn(f64) -> f64| -> f64 {
            (counts.iter().zip(0_u32..))
                .filter(|(count, _)| **count > 0)
                .map(|(count, byte)| *count as f64 * value(f64::from(byte) / maximum))
                .sum()
        };
        if count == 0.0 {
            return None;
        }
        if counts.iter().filter(|count| **count > 0).count() == 1 {
            return Some(Self::constant(weighted(&|x| x) / count));
        }
        let mean = weighted(&|x| x) / count;
        let standard_deviation = (weighted(&|x| (x - mean).powi(2)) / count).sqrt();
        Some(Self { mean, standard_deviation, is_constant: false })
    }

    fn constant(value: f64) -> Self {
        Self { mean: value, standard_deviation: 1.0, is_constant: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{found} is not {expected}");
    }

    #[test]
    fn known_values() {
        let found = Statistics::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        close(found.mean, 5.0);
        close(found.standard_deviation, 2.0);
    }

    #[test]
    fn a_large_offset_does_not_drown_the_deviation() {
        let found = Statistics::of(&[1e9, 1e9 + 1.0, 1e9 + 2.0]).unwrap();
        close(found.mean, 1e9 + 1.0);
        close(found.standard_deviation, (2.0_f64 / 3.0).sqrt());
    }

    #[test]
    fn squares_neither_overflow_nor_vanish() {
        for scale in [1e200, 1e-200] {
            let found = Statistics::of(&[-scale, scale, -scale, scale]).unwrap();
            assert_eq!(found.mean, 0.0);
            close(found.standard_deviation, scale);
        }
    }

    #[test]
    fn a_sum_that_overflows_is_refused() {
        assert_eq!(Statistics::of(&[f64::MAX, f64::MAX / 2.0]), None);
        assert_eq!(Statistics::of(&[-f64::MAX, f64::MAX, f64::MAX]), None);
        assert_eq!(Statistics::of(&[]), None);
    }

    #[test]
    fn a_constant_has_deviation_one_however_its_sum_rounds() {
        let found = Statistics::of(&[0.1; 7]).unwrap();
        assert_eq!((found.mean, found.standard_deviation), (0.1, 1.0));
        assert!(found.is_constant);
    }

    #[test]
    fn bytes_agree_with_the_same_numbers() {
        let bytes = [0_u8, 3, 3, 16, 9];
        let mut counts = [0; 256];
        for byte in bytes {
            counts[usize::from(byte)] += 1;
        }
        let numbers: Vec<f64> = bytes.iter().map(|byte| f64::from(*byte) / 16.0).collect();
        let expected = Statistics::of(&numbers).unwrap();
        let found = Statistics::of_bytes(&counts, 16).unwrap();
        close(found.mean, expected.mean);
        close(found.standard_deviation, expected.standard_deviation);
    }
}
