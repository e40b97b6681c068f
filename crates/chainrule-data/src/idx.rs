//! IDX files, the format of MNIST: a big-endian header, then one unsigned byte a pixel or label.
//!
//! Bytes 0 and 1 are zero, byte 2 is the element type (8 for unsigned byte), byte 3 the number of dimensions; then comes
//! each dimension in 4 bytes. Nothing is allocated on a header's word alone: the length of a plain file is compared
//! first, and a compressed one is read only as far as the header allows.

use crate::dataset::{Dataset, Features, Images};
use crate::error::{DataError, Result};
use crate::names;
use crate::read::{io, open};
use std::io::Read;
use std::path::Path;

const UNSIGNED_BYTE: u8 = 0x08;
/// unsigned byte, signed byte, short, int, float, double
const ELEMENT_TYPES: [u8; 6] = [UNSIGNED_BYTE, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];
const SUFFIXES: [&str; 2] = ["", ".gz"];

/// Whether a file starts like IDX.
pub(crate) fn has_magic(bytes: &[u8]) -> bool {
    match bytes {
        [0, 0, element, dimensions, ..] => ELEMENT_TYPES.contains(element) && (1..=4).contains(dimensions),
        _ => false,
    }
}

/// Reads the pairs of images and labels in a directory.
pub(crate) fn read(directory: &str) -> Result<Dataset> {
    let train = read_pair(directory, &["train"])?;
    let test = read_pair(directory, &["t10k", "test"])?;
    let (images, test_rows) = match (train, test) {
        (None, None) => {
            return Err(DataError::NoIdxFiles { directory: directory.to_owned() });
        }
        (Some(pair), None) | (None, Some(pair)) => (pair.images, None),
        (Some(train), Some(test)) => {
            let rows = train.images.labels.len();
            let images = concatenate(train, test)?;
            let test_rows = rows..images.labels.len();
            (images, Some(test_rows))
        }
    };
    let mut description = images.description();
    if let Some(test_rows) = &test_rows {
        description
            .push_str(&format!(", the last {} set aside for testing", names::thousands(test_rows.len())));
    }
    Ok(Dataset { name: directory.to_owned(), description, features: Features::Images(images), test_rows })
}

struct Pair {
    images_file: String,
    images: Images,
}

fn concatenate(train: Pair, test: Pair) -> Result<Images> {
    let Pair { mut images, .. } = train;
    if (images.height, images.width) != (test.images.height, test.images.width) {
        return Err(DataError::Idx {
            file: test.images_file,
            expected: format!(
                "images of {} x {} pixels, as in {}",
                images.height, images.width, train.images_file
            ),
            found: format!("{} x {}", test.images.height, test.images.width),
        });
    }
    images.pixels.extend_from_slice(&test.images.pixels);
    images.labels.extend_from_slice(&test.images.labels);
    Ok(images)
}

/// The images and labels whose names start with one of these words, or `None` where neither is there.
fn read_pair(directory: &str, starts: &[&str]) -> Result<Option<Pair>> {
    for start in starts {
        let images = find(directory, start, "images", 3);
        let labels = find(directory, start, "labels", 1);
        let half = |present: String, missing: &str, dimensions: u8| DataError::IdxHalfPair {
            directory: directory.to_owned(),
            present,
            missing: format!("{start}-{missing}-idx{dimensions}-ubyte"),
        };
        match (images, labels) {
            (Some(images), Some(labels)) => return combine(images, &labels).map(Some),
            (Some(images), None) => return Err(half(images, "labels", 1)),
            (None, Some(labels)) => return Err(half(labels, "images", 3)),
            (None, None) => {}
        }
    }
    Ok(None)
}

fn find(directory: &str, start: &str, what: &str, dimensions: u8) -> Option<String> {
    for separator in ['-', '.'] {
        for suffix in SUFFIXES {
            let name = format!("{start}-{what}{separator}idx{dimensions}-ubyte{suffix}");
            let path = Path::new(directory).join(name);
            if path.is_file() {
                return Some(path.display().to_string());
            }
        }
    }
    None
}

fn combine(images_file: String, labels_file: &str) -> Result<Pair> {
    let (dimensions, pixels) = read_file(&images_file, 3)?;
    let (rows, labels) = read_file(labels_file, 1)?;
    if rows[0] != dimensions[0] {
        return Err(DataError::Idx {
            file: labels_file.to_owned(),
            expected: format!(
                "{}, one for each image in {images_file}",
                names::count(dimensions[0], "label", "labels")
            ),
            found: rows[0].to_string(),
        });
    }
    let images = Images { height: dimensions[1], width: dimensions[2], maximum: u8::MAX, pixels, labels };
    Ok(Pair { images_file, images })
}

/// The dimensions of an IDX file and its bytes.
fn read_file(file: &str, dimensions: u8) -> Result<(Vec<usize>, Vec<u8>)> {
    let wrong = |expected: String, found: String| DataError::Idx { file: file.to_owned(), expected, found };
    let (mut reader, length) = open(Path::new(file)).map_err(|error| io(file, error))?;

    let header_length = 4 + 4 * usize::from(dimensions);
    let mut header = Vec::new();
    reader.by_ref().take(header_length as u64).read_to_end(&mut header).map_err(|error| io(file, error))?;
    check_magic(&header, dimensions).map_err(|(expected, found)| wrong(expected, found))?;
    if header.len() < header_length {
        return Err(wrong(format!("a header of {header_length} bytes"), format!("{} bytes", header.len())));
    }

    let sizes: Vec<u32> = header[4..]
        .chunks_exact(4)
        .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let shape = sizes.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
    if sizes.contains(&0) {
        return Err(wrong("at least one of everything".to_owned(), shape));
    }
    let too_many = || wrong("a size that fits into memory".to_owned(), shape.clone());
    let mut size = 1_usize;
    let mut shape_of_usize = Vec::with_capacity(sizes.len());
    for dimension in &sizes {
        let dimension = usize::try_from(*dimension).map_err(|_| too_many())?;
        size = size.checked_mul(dimension).ok_or_else(too_many)?;
        shape_of_usize.push(dimension);
    }
    let expected = (size as u64).checked_add(header_length as u64).ok_or_else(too_many)?;

    let says = || format!("{expected} bytes, as the header says ({shape})");
    if let Some(length) = length.filter(|length| *length != expected) {
        return Err(wrong(says(), format!("{length} bytes")));
    }
    let mut bytes = Vec::new();
    reader.take((size as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(|error| io(file, error))?;
    if bytes.len() > size {
        return Err(wrong(says(), "more".to_owned()));
    }
    if bytes.len() < size {
        let found = bytes.len() + header_length;
        return Err(wrong(says(), format!("{found} bytes")));
    }
    Ok((shape_of_usize, bytes))
}

/// `Err` holds what was expected and what was found.
fn check_magic(header: &[u8], dimensions: u8) -> std::result::Result<(), (String, String)> {
    let magic = &header[..header.len().min(4)];
    if matches!(magic, [0, 0, element, count] if *element == UNSIGNED_BYTE && *count == dimensions) {
        return Ok(());
    }
    if matches!(magic, [0, 0, element, _] if *element != UNSIGNED_BYTE && has_magic(magic)) {
        return Err((
            format!("element type {UNSIGNED_BYTE:#04x}, unsigned byte, the only one supported"),
            format!("element type {:#04x}", magic[2]),
        ));
    }
    if has_magic(magic) {
        return Err((format!("{dimensions} dimensions"), format!("{} dimensions", magic[3])));
    }
    Err((
        format!("an IDX file, which starts with the bytes 00 00 08 {dimensions:02x}"),
        match magic {
            [] => "an empty file".to_owned(),
            _ => magic.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        },
    ))
}
