//! Temporary directories to put data files in, and short ways to what most tests do with them.

use arrow_array::{cast::AsArray, types::Float64Type};
use chainrule_data::{
    Column, ColumnType, DataError, Dataset, Features, FitOptions, InputNumber, Note, Objective,
    Preprocessing, ReadOptions, Table, Task, read, read_csv_bytes,
};
use std::io::Write;

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn read_csv(bytes: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
    let folder = Folder::new();
    let path = folder.write("t.csv", bytes);
    read(&path)
}

pub(crate) fn csv(text: &str) -> Dataset {
    read_csv(text).unwrap()
}

pub(crate) fn table(dataset: &Dataset) -> &Table {
    match &dataset.features {
        Features::Table(table) => table,
        Features::Images(_) => panic!("images, not a table"),
    }
}

/// Reads a table in memory as the options say.
pub(crate) fn csv_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Dataset, DataError> {
    read_csv_bytes("t.csv", bytes.as_ref(), options)
}

/// The cells of each row as texts; missing ones are empty.
pub(crate) fn cells(dataset: &Dataset) -> Vec<Vec<String>> {
    let table = table(dataset);
    let cell = |column: &Column, row| column.text(row).unwrap_or_default().into_owned();
    (0..table.rows()).map(|row| table.columns().iter().map(|column| cell(column, row)).collect()).collect()
}

#[track_caller]
pub(crate) fn column<'a>(dataset: &'a Dataset, name: &str) -> &'a Column {
    table(dataset).column(name).unwrap_or_else(|| panic!("no column '{name}'"))
}

/// The numbers of a column, missing ones as `None`. Cells among them that are no numbers count as missing.
#[track_caller]
pub(crate) fn numbers(dataset: &Dataset, name: &str) -> Vec<Option<f64>> {
    let column = column(dataset, name);
    assert_eq!(column.kind(), ColumnType::Number, "'{name}'");
    column.array().as_primitive::<Float64Type>().iter().collect()
}

pub(crate) fn codes(notes: &[Note]) -> Vec<&'static str> {
    notes.iter().map(|note| note.code).collect()
}

/// Finds the objective and fits on some rows.
pub(crate) fn fit_rows(
    dataset: &Dataset,
    target: Option<&str>,
    task: Option<Task>,
    standardize_target: bool,
    rows: &[usize],
) -> Result<(Preprocessing, Vec<Note>), DataError> {
    let targets: Vec<String> = target.into_iter().map(str::to_owned).collect();
    let objective = Objective::find(dataset, &targets, task, &mut Vec::new())?;
    let options = FitOptions { standardize_target, ..FitOptions::default() };
    Preprocessing::fit(dataset, &objective, &options, rows)
}

pub(crate) trait InputsOf {
    /// The inputs of some rows, made by one thread, without the notes.
    fn inputs_of<T: InputNumber>(&self, dataset: &Dataset, rows: &[usize]) -> Result<Vec<T>, DataError>;
}

impl InputsOf for Preprocessing {
    fn inputs_of<T: InputNumber>(&self, dataset: &Dataset, rows: &[usize]) -> Result<Vec<T>, DataError> {
        self.inputs(dataset, rows, 1, &mut Vec::new())
    }
}

/// The message of an error, from the file's name on without its directory. It must hold all `parts`.
#[track_caller]
pub(crate) fn assert_error<T>(result: Result<T, DataError>, parts: &[&str]) {
    let message = match result {
        Ok(_) => panic!("expected an error with {parts:?}"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}
