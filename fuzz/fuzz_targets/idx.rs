//! Any bytes as IDX files of images and labels: they are read or refused, and whatever is read can be learned from.
//!
//! The first two bytes say how many of the others are the images; the rest are the labels, where the third byte is odd.

#![no_main]

use chainrule_data::{FitOptions, Objective, Preprocessing, read_idx_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [low, high, has_labels, files @ ..] = bytes else { return };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(files.len());
    let (images, labels) = files.split_at(length);
    let labels = (has_labels & 1 == 1).then_some(labels);
    let Ok(dataset) = read_idx_bytes("images", images, labels) else { return };
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    dataset.fingerprint();
    let Ok(objective) = Objective::find(&dataset, &[], None, &mut Vec::new()) else { return };
    let Ok((preprocessing, _)) = Preprocessing::fit(&dataset, &objective, &FitOptions::default(), &rows) else {
        return;
    };
    preprocessing.validate().expect("what was fitted is valid");
    if let Ok(inputs) = preprocessing.inputs::<f64>(&dataset, &rows, 1, &mut Vec::new()) {
        assert_eq!(inputs.len(), rows.len() * preprocessing.input_width());
        assert!(inputs.iter().all(|input| input.is_finite()));
    }
    preprocessing.targets(&dataset, &rows).expect("every image has a label");
});
