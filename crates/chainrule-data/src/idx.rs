//! The IDX format: a big-endian header, then the elements, all of one type and big-endian, too.
//!
//! Bytes 0 and 1 are zero, byte 2 is the element type, byte 3 the number of dimensions; then comes each dimension in
//! 4 bytes. Nothing is allocated on a header's word alone: the length of a plain file is compared first, and a compressed
//! one is read only as far as the header allows.

use crate::error::{DataError, Result, io};
use crate::images::as_byte;
use std::collections::TryReserveError;
use std::io::Read;

/// How many bytes are read at once; a multiple of every element's size.
const CHUNK: usize = 1 << 16;

/// The type of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    UnsignedByte,
    SignedByte,
    Short,
    Int,
    Float,
    Double,
}

impl Element {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::UnsignedByte,
            0x09 => Self::SignedByte,
            0x0b => Self::Short,
            0x0c => Self::Int,
            0x0d => Self::Float,
            0x0e => Self::Double,
            _ => return None,
        })
    }

    /// Bytes an element.
    fn size(self) -> usize {
        match self {
            Self::UnsignedByte | Self::SignedByte => 1,
            Self::Short => 2,
            Self::Int | Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// The number in the first bytes; every element is exact in 64 bits.
    fn number(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Self::SignedByte, [byte, ..]) => f64::from(*byte as i8),
            (Self::Short, [a, b, ..]) => f64::from(i16::from_be_bytes([*a, *b])),
            (Self::Int, [a, b, c, d, ..]) => f64::from(i32::from_be_bytes([*a, *b, *c, *d])),
            (Self::Float, [a, b, c, d, ..]) => f64::from(f32::from_be_bytes([*a, *b, *c, *d])),
            (Self::Double, [a, b, c, d, e, f, g, h, ..]) => {
                f64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])
            }
            (_, bytes) => f64::from(bytes[0]),
        }
    }
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    /// 3 dimensions, images x height x width, or 2, images x numbers.
    Images,
    /// 1 dimension, or 2, of which the first number of each row counts.
    Labels,
}

impl Holds {
    fn dimensions(self) -> [u8; 2] {
        match self {
            Self::Images => [3, 2],
            Self::Labels => [1, 2],
        }
    }
}

/// The content of an IDX file. No dimension is 0, and there are as many values as the dimensions say.
pub(crate) struct Content {
    pub(crate) dimensions: Vec<usize>,
    pub(crate) values: IdxValues,
    /// Whether the element type is the unsigned byte.
    pub(crate) unsigned_bytes: bool,
}

/// The elements of an IDX file.
pub(crate) enum IdxValues {
    /// All are whole numbers from 0 to 255.
    Bytes(Vec<u8>),
    /// Some are not.
    Numbers(Vec<f64>),
}

impl IdxValues {
    /// Makes room for as many elements in all.
    fn reserve(&mut self, size: usize) -> std::result::Result<(), TryReserveError> {
        match self {
            Self::Bytes(values) => values.try_reserve_exact(size.saturating_sub(values.len())),
            Self::Numbers(values) => values.try_reserve_exact(size.saturating_sub(values.len())),
        }
    }

    fn extend(&mut self, element: Element, bytes: &[u8]) -> std::result::Result<(), TryReserveError> {
        let mut elements = bytes.chunks_exact(element.size());
        if let Self::Bytes(values) = self {
            values.try_reserve(elements.len())?;
            if element == Element::UnsignedByte {
                values.extend_from_slice(bytes);
                return Ok(());
            }
            let Some(other) = (&mut elements).map(|bytes| element.number(bytes)).find(|number| {
                let byte = as_byte(*number);
                values.extend(byte);
                byte.is_none()
            }) else {
                return Ok(());
            };
            let mut numbers = Vec::new();
            numbers.try_reserve_exact(values.capacity().max(values.len() + elements.len() + 1))?;
            numbers.extend(values.iter().map(|byte| f64::from(*byte)));
            numbers.push(other);
            *self = Self::Numbers(numbers);
        }
        if let Self::Numbers(values) = self {
            values.try_reserve(elements.len())?;
            values.extend(elements.map(|bytes| element.number(bytes)));
        }
        Ok(())
    }
}

/// Whether a file starts like IDX.
pub(crate) fn has_magic(bytes: &[u8]) -> bool {
    match bytes {
        [0, 0, element, dimensions, ..] => Element::of(*element).is_some() && (1..=4).contains(dimensions),
        _ => false,
    }
}

/// Reads an IDX file, of which `length` bytes are known to be there.
pub(crate) fn read(file: &str, mut reader: impl Read, length: Option<u64>, holds: Holds) -> Result<Content> {
    let wrong = |expected: String, found: String| DataError::Idx { file: file.to_owned(), expected, found };

    let mut magic = [0; 4];
    let found = fill(&mut reader, &mut magic).map_err(|error| io(file, error))?;
    let (element, count) = check_magic(file, &magic[..found], holds)?;
    let mut header = vec![0; 4 * usize::from(count)];
    let found = fill(&mut reader, &mut header).map_err(|error| io(file, error))?;
    let header_length = magic.len() + header.len();
    if found < header.len() {
        return Err(wrong(
            format!("a header of {header_length} bytes"),
            format!("{} bytes", magic.len() + found),
        ));
    }

    let sizes: Vec<u32> = header
        .chunks_exact(4)
        .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let shape = sizes.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
    if sizes.contains(&0) {
        return Err(wrong("at least one of everything".to_owned(), shape));
    }
    let too_many = || wrong("a size that fits into memory".to_owned(), shape.clone());
    let mut size = 1_usize;
    let mut dimensions = Vec::with_capacity(sizes.len());
    for dimension in &sizes {
        let dimension = usize::try_from(*dimension).map_err(|_| too_many())?;
        size = size.checked_mul(dimension).ok_or_else(too_many)?;
        dimensions.push(dimension);
    }
    let bytes = (size as u64).checked_mul(element.size() as u64).ok_or_else(too_many)?;
    let expected = bytes.checked_add(header_length as u64).ok_or_else(too_many)?;

    let says = || format!("{expected} bytes, as the header says ({shape})");
    let mut values = IdxValues::Bytes(Vec::new());
    if let Some(length) = length {
        if length != expected {
            return Err(wrong(says(), format!("{length} bytes")));
        }
        values.reserve(size).map_err(|_| too_many())?;
    }
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let wanted = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let found = fill(&mut reader, &mut chunk[..wanted]).map_err(|error| io(file, error))?;
        left -= found as u64;
        if found < wanted {
            return Err(wrong(says(), format!("{} bytes", expected - left)));
        }
        values.extend(element, &chunk[..found]).map_err(|_| too_many())?;
    }
    if fill(&mut reader, &mut chunk[..1]).map_err(|error| io(file, error))? > 0 {
        return Err(wrong(says(), "more".to_owned()));
    }
    Ok(Content { dimensions, values, unsigned_bytes: element == Element::UnsignedByte })
}

/// Reads until the buffer is full or the file ends, and gives how many bytes there were.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(found) => filled += found,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The element type and the number of dimensions.
fn check_magic(file: &str, magic: &[u8], holds: Holds) -> Result<(Element, u8)> {
    let [usual, other] = holds.dimensions();
    let wrong = |expected: String, found: String| DataError::Idx { file: file.to_owned(), expected, found };
    let element = match magic {
        [0, 0, element, 1..=4] => Element::of(*element),
        _ => None,
    };
    let Some(element) = element else {
        return Err(wrong(
            format!("an IDX file, which starts with the bytes 00 00 08 {usual:02x}"),
            match magic {
                [] => "an empty file".to_owned(),
                _ => magic.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
            },
        ));
    };
    match (magic[3], holds) {
        (count, _) if count == usual || count == other => Ok((element, count)),
        (4, Holds::Images) => Err(DataError::ColorImages { file: file.to_owned() }),
        (count, Holds::Images) => Err(wrong(
            "3 dimensions (images, height, width) or 2 (images, numbers)".to_owned(),
            format!("{count} dimensions"),
        )),
        (count, Holds::Labels) => {
            Err(wrong("1 dimension, a label for each image".to_owned(), format!("{count} dimensions")))
        }
    }
}
