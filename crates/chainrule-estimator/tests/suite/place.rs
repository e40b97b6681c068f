//! A folder of its own for each test, and tables in it.

use std::path::PathBuf;

use chainrule_data::{Dataset, read};
use chainrule_estimator::EstimatorOptions;
use tempfile::TempDir;

/// An empty folder, gone at the end of the test.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and reads it as data.
    pub(crate) fn data(&self, name: &str, text: &str) -> Dataset {
        std::fs::write(self.path(name), text).unwrap();
        read(self.path(name).to_str().unwrap()).unwrap()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// `rows` rows of two numbers, a text, a number `size` and a class `kind` that they decide.
pub(crate) fn small_table(rows: usize) -> String {
    let mut text = String::from("width,height,color,size,kind\n");
    for i in 0..rows {
        let (width, height) = ((i * 7 % 11) as f64 / 2.0 - 1.5, (i * 5 % 13) as f64 * 10.0);
        let color = ["red", "green", "blue"][i * 3 % 7 % 3];
        let size = 100.0 + 3.0 * width + height / 5.0;
        let kind = if width * 10.0 < height - 40.0 { "tall" } else { "wide" };
        text += &format!("{width},{height},{color},{size},{kind}\n");
    }
    text
}

/// A small network, trained for a moment.
pub(crate) fn small() -> EstimatorOptions {
    EstimatorOptions { layers: Some(vec![6, 5]), epochs: Some(3), ..EstimatorOptions::default() }
}
