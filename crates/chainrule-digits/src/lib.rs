//! The built-in handwritten digits: 1,797 images of 8 x 8 pixels with their labels. `DATA.md` names source and licence.
//!
//! ```
//! use chainrule_digits::{HEIGHT, MAXIMUM, ROWS, WIDTH, labels, pixels};
//! assert_eq!(pixels().len(), ROWS * HEIGHT * WIDTH);
//! assert!(pixels().iter().all(|&pixel| pixel <= MAXIMUM) && labels().iter().all(|&label| label < 10));
//! ```

#![forbid(unsafe_code)]

const BYTES: &[u8; ROWS * (HEIGHT * WIDTH + 1)] = include_bytes!("../digits.bin");

/// How many images there are.
pub const ROWS: usize = 1797;
/// Pixels of an image from top to bottom.
pub const HEIGHT: usize = 8;
/// Pixels of an image from left to right.
pub const WIDTH: usize = 8;
/// The pixel of solid ink; 0 is empty paper.
pub const MAXIMUM: u8 = 16;

/// The pixels of all images, one image after another, each row by row from the top left.
pub fn pixels() -> &'static [u8] {
    &BYTES[..ROWS * HEIGHT * WIDTH]
}

/// The digit of each image.
pub fn labels() -> &'static [u8] {
    &BYTES[ROWS * HEIGHT * WIDTH..]
}
