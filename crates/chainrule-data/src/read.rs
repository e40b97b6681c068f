//! Decides which reader a source needs.

use crate::dataset::Dataset;
use crate::error::{DataError, Result, io};
use crate::options::ReadOptions;
use crate::source::{self, Source};
use crate::{csv, digits, idx, image_files, names};
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

/// Bytes that tell an IDX file.
const MAGIC: u64 = 4;

/// Reads a data set.
///
/// | `source` | what is read |
/// |---|---|
/// | `digits` | the built-in handwritten digits (a file or directory of that name is `./digits`) |
/// | a directory | IDX images and labels, as MNIST has them |
/// | an IDX file of images | those images, with the labels that lie beside it |
/// | another file | CSV |
///
/// **CSV**: fields are separated by commas, semicolons, tabs, pipes or spaces, whichever divides the lines; a field may be in
/// double quotes and then contain separators and line breaks. White space around a cell does not count, and blank lines
/// are skipped. UTF-8, and UTF-16 where the file begins like it; compressed with gzip or zstd or not, whatever the name.
/// [`ReadOptions`] has what can be said instead of found, `docs/data.md` how types are chosen.
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
    read_with(source, &ReadOptions::default())
}

/// Reads a data set as the options say; they are for tables, and images do not ask for them.
///
/// # Errors
/// Those of [`read`], and an option that is none.
pub fn read_with(source: &str, options: &ReadOptions) -> Result<Dataset> {
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
    let open = || source::open(Path::new(source)).map_err(|error| io(source, error));
    let Source { mut bytes, length } = open()?;
    let mut start = Vec::new();
    (&mut bytes).take(MAGIC).read_to_end(&mut start).map_err(|error| io(source, error))?;
    if idx::has_magic(&start) {
        bytes.read_to_end(&mut start).map_err(|error| io(source, error))?;
        return image_files::read_file(source, &start);
    }
    let bytes = Box::new(Cursor::new(start).chain(bytes));
    // What is no file, such as a pipe, can be read once only.
    let again: Option<&dyn Fn() -> Result<Source>> = if metadata.is_file() { Some(&open) } else { None };
    read_table(source, Source { bytes, length }, again, options)
}

/// Reads a table from the bytes of a CSV file; `name` is what messages call it.
///
/// # Errors
/// As for a file.
pub fn read_csv_bytes(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Dataset> {
    let length = Some(bytes.len() as u64);
    let open = || Ok(Source { bytes: Box::new(Cursor::new(bytes.to_vec())), length });
    read_table(name, open()?, Some(&open), options)
}

fn read_table(
    name: &str,
    source: Source,
    again: Option<&dyn Fn() -> Result<Source>>,
    options: &ReadOptions,
) -> Result<Dataset> {
    let as_utf8 = |source| source::as_utf8(name, source, options.encoding.as_deref());
    let again = again.map(|open| move || as_utf8(open()?));
    let again = again.as_ref().map(|again| again as &dyn Fn() -> Result<Source>);
    let (table, notes) = csv::read(name, as_utf8(source)?, again, options)?;
    Ok(Dataset { notes, ..Dataset::from_table(table) })
}
