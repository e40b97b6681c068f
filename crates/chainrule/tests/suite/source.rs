//! Batches from elsewhere than memory: a run on rows of a file has the bits of the run on the same rows in memory; a stream comes
//! in its own order.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

use chainrule::*;

use crate::common::*;

/// Rows of f64 in a file: inputs, then targets (or a class), then a weight.
struct InFile {
    file: RefCell<File>,
    rows: usize,
    widths: (usize, usize),
    classes: bool,
    weighted: bool,
    ordered: bool,
    /// Rows that were asked for.
    asked: RefCell<Vec<usize>>,
    /// Rows that the file has lost.
    lost: usize,
}

impl InFile {
    fn new(data: &Data<f64>, outputs: usize) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        let mut put = |number: f64| file.write_all(&number.to_le_bytes()).unwrap();
        for row in 0..data.len() {
            data.inputs.row(row).iter().for_each(|&x| put(x));
            match &data.targets {
                OwnedTargets::Values(values) => values.row(row).iter().for_each(|&y| put(y)),
                OwnedTargets::Classes(classes) => put(f64::from(classes[row])),
            }
            data.weights.iter().for_each(|weights| put(weights[row]));
        }
        let classes = matches!(data.targets, OwnedTargets::Classes(_));
        InFile {
            file: RefCell::new(file),
            rows: data.len(),
            widths: (data.inputs.columns(), if classes { 1 } else { outputs }),
            classes,
            weighted: data.weights.is_some(),
            ordered: false,
            asked: RefCell::default(),
            lost: 0,
        }
    }
}

impl<T: Scalar> SampleSource<T> for InFile {
    fn rows(&self) -> usize {
        self.rows
    }

    fn gather<'a>(&'a self, rows: &[usize], batch: &'a mut Batch<T>) -> Result<Samples<'a, T>> {
        batch.clear();
        self.asked.borrow_mut().extend(rows);
        let (n_in, n_out) = self.widths;
        let length = n_in + n_out + usize::from(self.weighted);
        let mut bytes = vec![0; 8 * length];
        for &row in &rows[..rows.len() - self.lost.min(rows.len())] {
            let mut file = self.file.borrow_mut();
            file.seek(SeekFrom::Start((8 * length * row) as u64)).unwrap();
            file.read_exact(&mut bytes).unwrap();
            let number = |i: usize| f64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().unwrap());
            batch.inputs.extend((0..n_in).map(|i| T::from_f64(number(i))));
            match self.classes {
                true => batch.classes.push(number(n_in) as u32),
                false => batch.values.extend((n_in..n_in + n_out).map(|i| T::from_f64(number(i)))),
            }
            batch.weights.extend(self.weighted.then(|| T::from_f64(number(n_in + n_out))));
        }
        batch.samples(n_in, n_out)
    }

    fn is_ordered(&self) -> bool {
        self.ordered
    }
}

fn case(classes: bool, weighted: bool) -> Case {
    let network = Network::builder(5).dense(9, Activation::Gelu).dropout(0.2).dense(3, Activation::Softmax);
    let mut case = Case::new(network.build().unwrap(), Loss::cross_entropy(), 53, 4);
    let mut numbers = Numbers::new(9);
    if classes {
        case.data.targets = numbers.classes(53, 3);
    }
    if weighted {
        case.data.weights = Some((0..53).map(|_| 0.5 + numbers.unit()).collect());
    }
    case
}

fn trainer<T: Scalar>(case: &Case) -> Trainer<T> {
    let options = TrainingOptions { epochs: 3, batch_size: 16, seed: 5, ..TrainingOptions::default() };
    Trainer::new(&case.network, &case.loss, case.parameters.cast(), options).unwrap()
}

fn go_on<T>(_: &TrainingEvent<'_, T>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn rows_of_a_file_come_to_the_bits_of_rows_in_memory() {
    fn check<T: Scalar>(case: &Case) {
        let (threads, data) = (Threads::new(2), case.data.cast::<T>());
        let (mut in_memory, mut from_file) = (trainer::<T>(case), trainer::<T>(case));
        in_memory.fit(&threads, data.samples(), Some(data.samples()), &mut go_on).unwrap();
        let source = InFile::new(&case.data, 3);
        from_file.fit_from(&threads, &source, Some(data.samples()), &mut go_on).unwrap();
        assert_same_parameters("from a file", from_file.parameters(), in_memory.parameters());
        assert_eq!(source.asked.borrow().len(), 3 * 53);
        // Samples are a source, too.
        let mut same = trainer::<T>(case);
        same.fit_from(&threads, &data.samples(), Some(data.samples()), &mut go_on).unwrap();
        assert_same_parameters("samples as a source", same.parameters(), in_memory.parameters());
    }
    for (classes, weighted) in [(false, false), (true, false), (false, true), (true, true)] {
        check::<f32>(&case(classes, weighted));
        check::<f64>(&case(classes, weighted));
    }
}

#[test]
fn a_stream_is_not_shuffled() {
    let case = case(true, false);
    let source = InFile { ordered: true, ..InFile::new(&case.data, 3) };
    trainer::<f64>(&case).fit_from(&Threads::single(), &source, None, &mut go_on).unwrap();
    assert_eq!(*source.asked.borrow(), (0..3).flat_map(|_| 0..53).collect::<Vec<_>>());
    // What is not one is.
    let source = InFile::new(&case.data, 3);
    trainer::<f64>(&case).fit_from(&Threads::single(), &source, None, &mut go_on).unwrap();
    assert_ne!(source.asked.borrow()[..53], (0..53).collect::<Vec<_>>());
}

#[test]
fn what_a_source_gives_is_checked() {
    let case = case(false, false);
    let message = |source: &InFile| {
        trainer::<f64>(&case).fit_from(&Threads::single(), source, None, &mut go_on).unwrap_err().to_string()
    };
    let lost = message(&InFile { lost: 1, ..InFile::new(&case.data, 3) });
    assert!(lost.contains("batch of the source: expected 16, found 15"), "{lost}");
    let empty = message(&InFile { rows: 0, ..InFile::new(&case.data, 3) });
    assert!(empty.contains("no samples"), "{empty}");
    let mut data = case.data.clone();
    data.inputs[(20, 1)] = f64::NAN;
    let bad = message(&InFile::new(&data, 3));
    assert!(bad.contains("input of layer 0") && bad.contains("epoch 1"), "{bad}");
    let narrow = message(&InFile { widths: (4, 3), ..InFile::new(&case.data, 3) });
    assert!(narrow.contains("5 columns"), "{narrow}");
}
