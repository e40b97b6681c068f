//! The one error type of this crate: every message says what is wrong, where, and what to do.

use crate::names;
use std::fmt;

/// What a function of this crate returns.
pub type Result<T> = std::result::Result<T, DataError>;

/// Where in a data file something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The line of the file on which the row starts; the first line is 1. Absent where there are no lines: for images, and
    /// for tables that were made in memory.
    pub line: Option<u64>,
    /// The row, counted from 0.
    pub row: Option<usize>,
    /// The column's name, or its number where it has no name.
    pub column: Box<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file)?;
        match (self.line, self.row) {
            (Some(line), _) => write!(formatter, ", line {line}")?,
            (None, Some(row)) => write!(formatter, ", row {} (counted from 1)", row + 1)?,
            (None, None) => {}
        }
        write!(formatter, ", column '{}'", self.column)
    }
}

/// Why data could not be read, understood or prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The source is neither a file, nor a directory, nor a built-in set.
    #[error("there is no file or directory '{path}'{}", did_you_mean(suggestion, ", the built-in set"))]
    NotFound {
        /// What the user asked for.
        path: String,
        /// A built-in set with nearly that name.
        suggestion: Option<String>,
    },
    /// The operating system, or the decompression, refused.
    #[error("cannot read '{path}': {error}")]
    Io {
        /// The file or directory.
        path: String,
        /// The reason.
        error: std::io::Error,
    },

    /// A CSV file without a header.
    #[error("{file} is empty; expected a header line with the column names, then one line a row")]
    EmptyFile {
        /// The file.
        file: String,
    },
    /// A CSV file with a header and nothing else.
    #[error("{file} has a header line but no rows; add at least one row of data below it")]
    NoRows {
        /// The file.
        file: String,
    },
    /// Columns that make no table.
    #[error("{file}: {problem}; give columns of one length, each with a name of its own")]
    InvalidTable {
        /// The table's name.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A column that somebody named and that is not there.
    #[error("{file} has no column '{name}'{}; its columns are {columns}", did_you_mean(nearest, ""))]
    NoColumn {
        /// The file.
        file: String,
        /// The column asked for.
        name: String,
        /// The column with the most similar name.
        nearest: Option<String>,
        /// The columns there are.
        columns: String,
    },
    /// An option whose value is none.
    #[error("--{option} {value}: expected {expected}")]
    Option {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What can be given.
        expected: &'static str,
    },
    /// A file of another kind.
    #[error("{file} is {kind}; export it as CSV and give that file")]
    OtherFormat {
        /// The file.
        file: String,
        /// What it is.
        kind: &'static str,
    },
    /// Two header cells with one name.
    #[error("{file}, line {line}: columns {first} and {second} are both named '{name}'; rename one of them")]
    DuplicateColumnName {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The name.
        name: String,
        /// The number of the first column with it, from 1.
        first: usize,
        /// The number of the second column with it, from 1.
        second: usize,
    },
    /// A row with too many or too few fields.
    #[error("{file}, line {line}: expected {expected} fields, but found {found}; {advice}")]
    Ragged {
        /// The file.
        file: String,
        /// The row's first line.
        line: u64,
        /// Columns in the header.
        expected: usize,
        /// Fields in the row.
        found: usize,
        /// What may be wrong, and what to do.
        advice: String,
    },
    /// A quoted field that goes on to the end of the file.
    #[error(
        "{file}, line {line}: a double quote opens a field in this row and is never closed; close or remove it"
    )]
    UnclosedQuote {
        /// The file.
        file: String,
        /// The row's first line.
        line: u64,
    },
    /// Bytes that are no UTF-8 text.
    #[error(
        "{place}: the bytes are not UTF-8 text; give --encoding latin1 or another, or save the file in UTF-8"
    )]
    NotUtf8 {
        /// Where.
        place: Place,
    },
    /// An IDX file of labels where images were expected.
    #[error(
        "{file} holds IDX labels, not images; name the file of the images, next to which labels are found, \
         or the directory"
    )]
    IdxLabels {
        /// The file.
        file: String,
    },

    /// A directory without image files.
    #[error(
        "the directory {directory} holds none of the files train-images-idx3-ubyte, train-labels-idx1-ubyte, \
         t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (each may end in .gz); \
         put at least one pair of images and labels there, or name a CSV file"
    )]
    NoIdxFiles {
        /// The directory.
        directory: String,
    },
    /// Labels without images, or training images without labels beside labelled test images.
    #[error("the directory {directory} holds {present} but not {missing}; put both there")]
    IdxHalfPair {
        /// The directory.
        directory: String,
        /// The file that is there.
        present: String,
        /// The file that is not.
        missing: String,
    },
    /// Files of more than one data set in a directory.
    #[error(
        "the directory {directory} holds several data sets: {found}; name one file of images instead \
         (its labels are found by its name), or give each data set a directory of its own"
    )]
    SeveralDataSets {
        /// The directory.
        directory: String,
        /// The files.
        found: String,
    },
    /// Two files for one part of a data set.
    #[error(
        "the directory {directory} holds several files for the same images: {found}; leave one of them there"
    )]
    SeveralFiles {
        /// The directory.
        directory: String,
        /// The files.
        found: String,
    },
    /// More than one folder `raw` with images.
    #[error(
        "below the directory {directory} there are several data sets: {found}; name one of these directories"
    )]
    SeveralFolders {
        /// The directory.
        directory: String,
        /// The folders.
        found: String,
    },
    /// Images without labels, where a target is needed.
    #[error(
        "{file} holds images without labels, but labels are needed here{}",
        match wanted {
            Some(name) => format!("; put them beside the images, in the file {name} (it may end in .gz)"),
            None => "; give labels, too (the names of IDX files must say `images` and `labels`)".to_owned(),
        }
    )]
    NoLabels {
        /// The source.
        file: String,
        /// The name of the file that was looked for, if one was.
        wanted: Option<String>,
    },
    /// IDX images with a fourth dimension.
    #[error(
        "{file} has 4 dimensions, as color images have, but only grey images (3 dimensions) and rows of numbers (2) \
         are read; convert the images to grey, or write each as one row of numbers"
    )]
    ColorImages {
        /// The file.
        file: String,
    },
    /// A label that is no whole number.
    #[error(
        "{file}: the label of image {row} (counted from 0) is {value}, but a label is a whole number; correct it, \
         or number the classes"
    )]
    Label {
        /// The file.
        file: String,
        /// The image, from 0.
        row: usize,
        /// The label.
        value: f64,
    },
    /// Labels that mark the class by the place of a 1.
    #[error(
        "{file}: each label is a single 1 among {columns} numbers; write the number of the class instead, \
         one for each image"
    )]
    OneHotLabels {
        /// The file.
        file: String,
        /// Numbers a label.
        columns: usize,
    },
    /// A pixel that cannot be used.
    #[error("{file}: {pixel} is {value}, {problem}; correct it, or remove the image")]
    Pixel {
        /// The source.
        file: String,
        /// Row and column of the pixel, and the number of the image.
        pixel: String,
        /// The pixel's value.
        value: f64,
        /// What is wrong with it, as a clause that begins with `which`.
        problem: &'static str,
    },
    /// Images that do not fit together, or not the training images.
    #[error("{file}: {problem}")]
    Images {
        /// The source.
        file: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// An IDX file that contradicts itself or its partner.
    #[error(
        "{file}: expected {expected}, found {found}; the file is damaged or of another kind, get it again"
    )]
    Idx {
        /// The file.
        file: String,
        /// What the format, the header or the partner file asks for.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// `nan`, `inf` or a number too large for 64 bits, in a column of numbers.
    #[error(
        "{place}: '{cell}' is not a finite number; remove the row, or leave the cell empty if the value is missing"
    )]
    NotFinite {
        /// Where.
        place: Place,
        /// The cell.
        cell: String,
    },
    /// A text where a number is needed.
    #[error(
        "{place}: '{cell}' is not a number, and {reason}; write a number, or leave the cell empty if the value is missing"
    )]
    NotANumber {
        /// Where.
        place: Place,
        /// The cell.
        cell: String,
        /// Why it had to be a number.
        reason: &'static str,
    },
    /// A number that cannot be represented after standardization.
    #[error(
        "{place}: '{cell}' is too far from the training values to be represented; correct the cell or remove the row"
    )]
    TooFar {
        /// Where.
        place: Place,
        /// The cell.
        cell: String,
    },
    /// A column whose mean or standard deviation overflows.
    #[error(
        "{file}, column '{column}': the values are too large for a mean and a standard deviation in 64 bits; \
         divide the column by a constant, or take its logarithm"
    )]
    Overflow {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },

    /// A target column that does not exist.
    #[error("{file} has no column '{name}'{}; its columns are {columns}", did_you_mean(nearest, ""))]
    NoTarget {
        /// The file.
        file: String,
        /// The column asked for.
        name: String,
        /// The column with the most similar name.
        nearest: Option<String>,
        /// The columns there are.
        columns: String,
    },
    /// A column that the preprocessing was fitted on and that the data lack.
    #[error(
        "{file} has no column '{name}', which the training data had{}; its columns are {columns}",
        did_you_mean(nearest, "")
    )]
    MissingColumn {
        /// The file.
        file: String,
        /// The column learned from.
        name: String,
        /// The column with the most similar name.
        nearest: Option<String>,
        /// The columns there are.
        columns: String,
    },
    /// A target named for images.
    #[error("{file} holds images, whose only target is '{expected}', not '{name}'; leave the target out")]
    ImageTarget {
        /// The source.
        file: String,
        /// The name asked for.
        name: String,
        /// The one name there is.
        expected: &'static str,
    },
    /// A table whose only column is the target.
    #[error("{file}: besides the target '{target}' no column is left to learn from{dropped}")]
    NoInputs {
        /// The file.
        file: String,
        /// The target column.
        target: String,
        /// What was dropped and why, as an ending of the sentence; may be empty.
        dropped: String,
    },
    /// A cell that is no number, in a target most of whose cells are numbers.
    #[error(
        "{place}: '{cell}' is not a number, but {numbers} of the {present} values of the target are; correct the cell, or \
         give {way}--task classification to learn classes",
        way = missing_flag(cell)
    )]
    OddTarget {
        /// Where.
        place: Place,
        /// The cell.
        cell: String,
        /// How many cells are numbers.
        numbers: usize,
        /// How many cells there are, missing ones aside.
        present: usize,
    },
    /// Several targets, not all of which are numbers.
    #[error("{file}: several targets are learned as numbers only, and '{column}' {problem}; leave it out")]
    SeveralTargets {
        /// The file.
        file: String,
        /// The target.
        column: String,
        /// What it is.
        problem: String,
    },
    /// A target that is to be used for something else.
    #[error(
        "{file}: '{column}' is the target, and cannot be ignored, weigh or divide rows as well; name another column"
    )]
    TargetForOthers {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// A table whose columns are all for something else than a target.
    #[error("{file}: no column is left to be the target; ignore fewer columns")]
    NoColumnLeft {
        /// The file.
        file: String,
    },
    /// A target that no row has.
    #[error("{file}, column '{column}': the target is missing in every row; choose another target column")]
    NoTargets {
        /// The file.
        file: String,
        /// The target.
        column: String,
    },
    /// A cell that does not fit the type its column was given or learned with.
    #[error(
        "{place}: '{cell}' is not {expected}; correct the cell, or leave it empty if the value is missing"
    )]
    WrongType {
        /// Where.
        place: Place,
        /// The cell.
        cell: String,
        /// What was expected and why, such as `a date, which the training data had here`.
        expected: &'static str,
    },
    /// A sample weight that is none.
    #[error("{place}: {problem}; a weight is a number of at least 0, and not all are 0")]
    Weight {
        /// Where.
        place: Place,
        /// What is wrong.
        problem: String,
    },
    /// A column to divide the rows by that says nothing of a row.
    #[error(
        "{place}: the cell is missing, but rows are divided by this column; fill it in, or remove the row"
    )]
    NoKey {
        /// Where.
        place: Place,
    },
    /// A column to order the rows by that holds neither numbers nor dates.
    #[error(
        "{file}, column '{column}' holds {found}, but rows are ordered by numbers or dates; \
         give --types {column}=date:FORMAT if they are dates, or another column"
    )]
    NoOrder {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Its type.
        found: &'static str,
    },
    /// Fewer groups, or instants, than parts.
    #[error(
        "'{column}' has {}, which cannot be divided into {parts} parts; make --validation or --test 0, or give data of their own",
        names::count(*found, what, &format!("{what}s"))
    )]
    TooFewGroups {
        /// The column.
        column: String,
        /// `group` or `instant`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The parts asked for.
        parts: usize,
    },
    /// A row without a target.
    #[error("{place}: the target is missing; fill the cell in, or remove the row")]
    MissingTarget {
        /// Where.
        place: Place,
    },
    /// As many classes as rows.
    #[error(
        "{file}, column '{column}': each of its {classes} values is different, as in an identifier, \
         so there are no classes to learn; choose another target column"
    )]
    IdentifierTarget {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// How many values there are, which is also the number of rows.
        classes: usize,
    },
    /// A classification with a single class.
    #[error(
        "{file}: only one class, '{class}', in column '{column}', so there is nothing to learn; \
         choose another target column{other}, or add rows of other classes"
    )]
    OneClass {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The class.
        class: String,
        /// Which one, as an ending of the sentence; may be empty.
        other: String,
    },
    /// A class that was not there when the preprocessing was fitted.
    #[error(
        "{place}: '{class}' is not one of the classes learned, which are {classes}; correct or remove the row"
    )]
    UnseenClass {
        /// Where.
        place: Place,
        /// What is there.
        class: String,
        /// The classes learned.
        classes: Box<str>,
    },

    /// Images where a table is needed, or the other way round.
    #[error("{file} holds {found}, but the training data were {expected}; give data of that kind")]
    WrongKind {
        /// The source.
        file: String,
        /// What it holds.
        found: &'static str,
        /// What the preprocessing was fitted on.
        expected: &'static str,
    },
    /// Images of another size than the ones learned from.
    #[error(
        "{file} holds images of {} x {} pixels, but the training images had {} x {}; scale or crop them to that size",
        found.0, found.1, expected.0, expected.1
    )]
    ImageSize {
        /// The source.
        file: String,
        /// Height and width found.
        found: (usize, usize),
        /// Height and width learned.
        expected: (usize, usize),
    },
    /// A row number that the data set does not have.
    #[error("row {row} (counted from 0) was asked for, but {file} has {rows} rows")]
    NoSuchRow {
        /// The source.
        file: String,
        /// The row asked for.
        row: usize,
        /// The rows there are.
        rows: usize,
    },
    /// No rows to fit on.
    #[error("there are no training rows to compute means and categories from; give at least one")]
    NoTrainingRows,
    /// More numbers than the memory can hold.
    #[error("{rows} rows of {width} inputs do not fit into memory; prepare fewer rows at a time")]
    TooLarge {
        /// Rows asked for.
        rows: usize,
        /// Numbers a row.
        width: usize,
    },

    /// A stored preprocessing that contradicts itself.
    #[error(
        "the stored preprocessing is invalid: {problem}; the model file is damaged, train and save the model again"
    )]
    InvalidPreprocessing {
        /// What is wrong.
        problem: String,
    },

    /// A fraction of the rows that is none.
    #[error("the {part} fraction is {fraction}; it must be at least 0 and less than 1")]
    Fraction {
        /// `validation` or `test`.
        part: &'static str,
        /// The number given.
        fraction: f64,
    },
    /// Fractions that leave nothing to train on.
    #[error(
        "the validation fraction {validation} and the test fraction {test} add up to 1 or more, so nothing is left to train on; make them smaller"
    )]
    Fractions {
        /// The validation fraction.
        validation: f64,
        /// The test fraction.
        test: f64,
    },
    /// Fewer rows than parts.
    #[error("{}; give a fraction of 0 for validation and test, or add rows", too_few(*rows, *parts))]
    TooFewRows {
        /// The rows there are.
        rows: usize,
        /// The parts asked for.
        parts: usize,
    },
    /// Fewer training rows than classes that need one.
    #[error(
        "the split leaves {training} training rows for {classes} classes; make the validation and test fractions smaller"
    )]
    TooFewForClasses {
        /// Rows left for training.
        training: usize,
        /// Classes with three rows or more.
        classes: usize,
    },
    /// A row to split whose class was not given.
    #[error("row {row} (counted from 0) is to be split, but classes are known for {known} rows only")]
    NoStratum {
        /// The row.
        row: usize,
        /// How many rows have a class.
        known: usize,
    },
}

fn did_you_mean(suggestion: &Option<String>, what: &str) -> String {
    match suggestion {
        Some(name) => format!("; did you mean '{name}'{what}?"),
        None => String::new(),
    }
}

fn too_few(rows: usize, parts: usize) -> String {
    match rows {
        0 => "there are no rows to split".to_owned(),
        1 => "there is only one row: nothing is left to validate or test on".to_owned(),
        _ => format!("{rows} rows cannot be divided into {parts} parts"),
    }
}

/// The advice to take a cell for a missing value. A flag cannot name a word with a comma, which stands between words.
fn missing_flag(cell: &str) -> String {
    match cell.contains([',', '\'']) {
        true => String::new(),
        false => format!("--missing '{cell}' if it stands for a missing value, or "),
    }
}

/// What the operating system says about a file.
pub(crate) fn io(path: &str, error: std::io::Error) -> DataError {
    DataError::Io { path: path.to_owned(), error }
}
