//! A temporary directory to put data files in.

use chainrule_data::{DataError, Dataset, Features, Table, read};
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

pub(crate) fn cells(dataset: &Dataset) -> Vec<Vec<&str>> {
    let table = table(dataset);
    (0..table.rows()).map(|row| table.row(row).collect()).collect()
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
