//! Damaged files of every kind: each is read or refused, and nothing panics.

use crate::folder::{Folder, InputsOf, fit_rows};
use chainrule_data::{Dataset, Objective, ReadOptions, Task, read, read_csv_bytes};

/// A linear congruential generator (Knuth's MMIX constants), so that a failure can be repeated.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = (self.0).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// Replaces, inserts or removes a few bytes.
    fn damage(&mut self, bytes: &[u8], replacements: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let byte = replacements[self.below(replacements.len())];
            match self.below(3) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    }
}

/// Does everything that can be done with a source. Gives whether it could be read, and for how many tasks it could be
/// fitted.
fn use_all(source: &str) -> (bool, usize) {
    let Ok(dataset) = read(source) else {
        return (false, 0);
    };
    (true, use_dataset(&dataset))
}

/// Fits and uses a data set, for as many tasks as it can be.
fn use_dataset(dataset: &Dataset) -> usize {
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    let mut fitted = 0;
    for task in [None, Some(Task::Classification), Some(Task::Regression)] {
        let result = fit_rows(dataset, None, task, true, &rows);
        let Ok((preprocessing, _)) = result else {
            continue;
        };
        preprocessing.validate().unwrap();
        let inputs = preprocessing.inputs_of::<f64>(dataset, &rows).unwrap();
        assert_eq!(inputs.len(), rows.len() * preprocessing.input_width());
        assert!(inputs.iter().all(|input| input.is_finite()));
        let objective = Objective::find(dataset, &[], task, &mut Vec::new()).unwrap();
        let with_target: Vec<usize> = rows.iter().copied().filter(|&row| objective.has_target(row)).collect();
        preprocessing.targets(dataset, &with_target).unwrap();
        fitted += 1;
    }
    fitted
}

#[test]
fn damaged_csv() {
    let text = b"a,b,y\n1.5,red,0\n2,\"bl\nue\",1\n,red,0\n-3e5,NA,1\n4,red,0\n5,blue,1\n";
    let folder = Folder::new();
    let mut noise = Noise(1);
    let (mut read, mut fitted) = (0, 0);
    for _ in 0..3000 {
        let bytes = noise.damage(text, b",;\t\"\n\r 19.e-nx\xff\xc3\x00");
        let (was_read, tasks) = use_all(&folder.write("t.csv", bytes));
        read += usize::from(was_read);
        fitted += tasks;
    }
    // The noise reaches all stages.
    assert!((100..2900).contains(&read), "{read}");
    assert!((100..3 * read).contains(&fitted), "{fitted} of 3 x {read}");
}

#[test]
fn damaged_tables_of_other_kinds() {
    let texts = [
        "# c, \"x\na;b;y\n1.234,5;3 %;x\n2.345,5;4 %;y\n7,5;5 %;x\n",
        "at when  y\n2021-02-03  10:00 \"a  b\"\n2021-02-04  11:30  c\n",
        "Report,,\n\n,b,y\n1,02/03/21,yes\n2,03/04/21,NO\n3,NaT,no\nTotal,,9\n",
        "sep=|\r\na|b|y\r\n007|$1,200|1e5\r\n1|$3|+5\r\n|x|.5\r\n",
    ];
    let mut noise = Noise(4);
    let (mut read, mut fitted) = (0, 0);
    for text in texts {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for round in 0..600 {
            let bytes = if round % 3 == 0 { &utf16 } else { text.as_bytes() };
            let bytes = noise.damage(bytes, b",;|\t\"#\n\r 19.e-n%\xff\xd8\x00");
            let options = ReadOptions { block: 1 + noise.below(40), threads: 2, ..ReadOptions::default() };
            let Ok(dataset) = read_csv_bytes("t.csv", &bytes, &options) else { continue };
            read += 1;
            fitted += use_dataset(&dataset);
            dataset.fingerprint();
            dataset.table().unwrap().summaries(2);
        }
    }
    assert!((1000..2400).contains(&read) && fitted > 500, "{read} read, {fitted} fitted");
}

#[test]
fn damaged_idx() {
    let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 1, 2];
    let folder = Folder::new();
    let mut noise = Noise(2);
    let mut read = 0;
    for round in 0..2000 {
        let (mut images, mut labels) = (images.to_vec(), labels.to_vec());
        let damaged = if round % 2 == 0 { &mut images } else { &mut labels };
        *damaged = noise.damage(damaged, &[0, 1, 2, 3, 8, 13, 255]);
        folder.write("train-images-idx3-ubyte", images);
        folder.write("train-labels-idx1-ubyte", labels);
        read += usize::from(use_all(folder.path()).0);
    }
    assert!((50..1950).contains(&read), "{read}");
}

#[test]
fn damaged_idx_of_numbers() {
    let mut images = vec![0, 0, 14, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    images.extend([0.5_f64, -3.0, 1e9, 7.25].iter().flat_map(|number| number.to_be_bytes()));
    let labels = [0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 1, 2];
    let folder = Folder::new();
    let mut noise = Noise(3);
    let mut read = 0;
    for round in 0..500 {
        let (mut images, mut labels) = (images.clone(), labels.to_vec());
        let damaged = if round % 2 == 0 { &mut images } else { &mut labels };
        *damaged = noise.damage(damaged, &[0, 1, 2, 3, 8, 9, 11, 12, 13, 14, 127, 255]);
        folder.write("train-images-idx3-ubyte", images);
        folder.write("train-labels-idx1-ubyte", labels);
        read += usize::from(use_all(folder.path()).0);
    }
    assert!((20..480).contains(&read), "{read}");
}
