//! Decides which reader a source needs.

use crate::dataset::{Dataset, Features};
use crate::error::{DataError, Result};
use crate::{csv_file, digits, idx, image_files, names};
use flate2::read::MultiGzDecoder;
use std::io::{ErrorKind, Read};
use std::path::Path;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Reads a data set.
///
/// | `source` | what is read |
/// |---|---|
/// | `digits` | the built-in handwritten digits (a file or directory of that name is `./digits`) |
/// | a directory | IDX images and labels, as MNIST has them |
/// | an IDX file of images | those images, with the labels that lie beside it |
/// | another file | CSV with a header line |
///
/// **CSV**: UTF-8, with or without a byte order mark; fields are separated by commas, semicolons or tabs, whichever the
/// header line has most of; a field may be in double quotes and then contain separators and line breaks. White space
/// around a cell does not count, and blank lines are skipped. A cell that is empty, `NA`, `N/A`, `?` or `null` (in upper
/// or lower case) is missing. The file may be compressed with gzip, whatever its name.
///
/// **IDX**: `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, and `t10k-images-idx3-ubyte` with
/// `t10k-labels-idx1-ubyte`, or one of the two pairs alone. With both, the `t10k` rows come last and are
/// [`Dataset::test_rows`].
///
/// - **Names**: any that contain `images` or `labels`, and `idx`, in upper or lower case, each word between hyphens, dots or
///   underscores. `train`, `val` or `validation`, and `t10k` or `test` say the part; without such a word, the file is the
///   whole. Other words before (`emnist-letters-train-images-idx3-ubyte`) name the data set, and a directory may hold one.
///   Each file may be compressed with gzip.
/// - **Folders**: where a directory has no such files, its folder `raw`, or the only folder `raw` one level below
///   (`MNIST/raw`), is read.
/// - **Elements**: all six types. Pixels that are whole numbers from 0 to 255 are bytes, whatever type they have; others are
///   64-bit numbers. Labels are whole numbers; of labels with several columns (QMNIST), the first is the class.
/// - **Shapes**: images x height x width, or images x numbers, which are images of height 1. Pixels are taken in the order
///   of the file: EMNIST's images lie on their side there, and stay so.
/// - **Without labels**, images can be predicted, not learned from. Where the training images have labels, validation or
///   test images without are left out.
///
/// # Errors
/// Where the source is not there, cannot be read, or does not hold what its format asks for. The message names the file,
/// and for CSV the line and the column.
pub fn read(source: &str) -> Result<Dataset> {
    if source == digits::NAME {
        return digits::read();
    }
    let metadata = std::fs::metadata(source).map_err(|error| match error.kind() {
        ErrorKind::NotFound => DataError::NotFound {
            path: source.to_owned(),
            suggestion: names::nearest(source, [digits::NAME]),
        },
        _ => io(source, error),
    })?;
    if metadata.is_dir() {
        return image_files::read_directory(source);
    }
    let mut bytes = std::fs::read(source).map_err(|error| io(source, error))?;
    if bytes.starts_with(GZIP_MAGIC) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(|error| io(source, error))?;
        bytes = plain;
    }
    if idx::has_magic(&bytes) {
        return image_files::read_file(source, &bytes);
    }
    let table = csv_file::parse(source, &bytes)?;
    Ok(Dataset {
        name: source.to_owned(),
        description: format!(
            "{} of {}",
            names::count(table.rows(), "row", "rows"),
            names::count(table.header().len(), "column", "columns")
        ),
        features: Features::Table(table),
        test_rows: None,
        notes: Vec::new(),
    })
}

/// Opens a file for reading, through gzip where it starts like gzip. With it comes the number of bytes that can be read,
/// where that is known beforehand.
pub(crate) fn open(path: &Path) -> std::io::Result<(Box<dyn Read>, Option<u64>)> {
    let mut file = std::fs::File::open(path)?;
    let mut start = Vec::new();
    (&mut file).take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    let length = file.metadata()?.len();
    let is_gzip = start == GZIP_MAGIC;
    let whole = std::io::Cursor::new(start).chain(file);
    if is_gzip {
        Ok((Box::new(MultiGzDecoder::new(whole)), None))
    } else {
        Ok((Box::new(whole), Some(length)))
    }
}

pub(crate) fn io(path: &str, error: std::io::Error) -> DataError {
    DataError::Io { path: path.to_owned(), error }
}
