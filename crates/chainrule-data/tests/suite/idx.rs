//! Directories of IDX files: names, pairs, compression, and headers that lie.

use crate::folder::{Folder, InputsOf, assert_error, codes, fit_rows, gzip};
use chainrule_data::{
    Dataset, Features, ImageInputs, Images, InputPreprocessing, Objective, Pixels, Preprocessing,
    TargetValues, Task, read, read_idx_bytes,
};

/// An IDX file: the magic, the dimensions, the bytes.
fn idx(element: u8, dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, element, dimensions.len() as u8];
    for dimension in dimensions {
        file.extend(dimension.to_be_bytes());
    }
    file.extend(bytes);
    file
}

/// Images of 2 x 3 pixels that count up from `first`, and their labels.
fn write_pair(folder: &Folder, start: &str, first: u8, labels: &[u8]) {
    let pixels: Vec<u8> = (first..).take(labels.len() * 6).collect();
    let rows = labels.len() as u32;
    folder.write(&format!("{start}-images-idx3-ubyte"), idx(8, &[rows, 2, 3], &pixels));
    folder.write(&format!("{start}-labels-idx1-ubyte"), idx(8, &[rows], labels));
}

fn images(dataset: &Dataset) -> &Images {
    match &dataset.features {
        Features::Images(images) => images,
        Features::Table(_) => panic!("a table, not images"),
    }
}

fn labels(dataset: &Dataset) -> &[i64] {
    images(dataset).labels.as_deref().expect("labels")
}

fn bytes(dataset: &Dataset) -> &[u8] {
    match &images(dataset).pixels {
        Pixels::Bytes { maximum: 255, values } => values,
        other => panic!("not bytes up to 255: {other:?}"),
    }
}

fn numbers(dataset: &Dataset) -> &[f64] {
    match &images(dataset).pixels {
        Pixels::Numbers(values) => values,
        other => panic!("not numbers: {other:?}"),
    }
}

fn objective(dataset: &Dataset) -> chainrule_data::Result<Objective> {
    Objective::find(dataset, &[], None, &mut Vec::new())
}

#[test]
fn both_pairs_are_one_set_with_its_test_rows() {
    let folder = Folder::new();
    write_pair(&folder, "train", 10, &[7, 1, 7]);
    write_pair(&folder, "t10k", 100, &[1, 2]);
    let dataset = read(folder.path()).unwrap();
    assert_eq!(dataset.test_rows, Some(3..5));
    assert_eq!(dataset.other_rows(), [0, 1, 2]);
    assert_eq!(dataset.description, "5 images of 2 x 3, 3 classes, the last 2 set aside for testing");
    assert_eq!((images(&dataset).height, images(&dataset).width), (2, 3));
    assert_eq!(labels(&dataset), [7, 1, 7, 1, 2]);
    let expected: Vec<u8> = (10..28).chain(100..112).collect();
    assert_eq!(bytes(&dataset), expected);
    assert!(dataset.notes.is_empty());
}

#[test]
fn one_pair_alone_has_no_test_rows() {
    for start in ["train", "t10k", "test"] {
        let folder = Folder::new();
        write_pair(&folder, start, 0, &[4, 5]);
        let dataset = read(folder.path()).unwrap();
        assert_eq!(dataset.test_rows, None);
        assert_eq!(labels(&dataset), [4, 5]);
    }
}

#[test]
fn compressed_and_with_other_names() {
    let folder = Folder::new();
    folder.write("train-images.idx3-ubyte.gz", gzip(&idx(8, &[1, 1, 2], &[9, 8])));
    folder.write("train-labels.idx1-ubyte", idx(8, &[1], &[3]));
    folder.write("test-images-idx3-ubyte", idx(8, &[1, 1, 2], &[7, 6]));
    folder.write("test-labels-idx1-ubyte.gz", gzip(&idx(8, &[1], &[4])));
    let dataset = read(folder.path()).unwrap();
    assert_eq!(bytes(&dataset), [9, 8, 7, 6]);
    assert_eq!(labels(&dataset), [3, 4]);
    assert_eq!(dataset.test_rows, Some(1..2));
}

#[test]
fn a_directory_without_images() {
    let folder = Folder::new();
    assert_error(
        read(folder.path()),
        &[
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ],
    );
}

#[test]
fn half_a_pair() {
    let folder = Folder::new();
    write_pair(&folder, "train", 0, &[4, 5]);
    folder.write("t10k-labels-idx1-ubyte", idx(8, &[1], &[1]));
    assert_error(read(folder.path()), &["t10k-labels-idx1-ubyte but not t10k-images-idx3-ubyte"]);
}

/// What happens when the images file, plain and compressed, holds these bytes.
#[track_caller]
fn assert_refused(bytes: &[u8], parts: &[&str]) {
    for (name, bytes) in
        [("train-images-idx3-ubyte", bytes.to_vec()), ("train-images-idx3-ubyte.gz", gzip(bytes))]
    {
        let folder = Folder::new();
        folder.write(name, bytes);
        folder.write("train-labels-idx1-ubyte", idx(8, &[2], &[3, 4]));
        assert_error(read(folder.path()), &[parts, &[name]].concat());
    }
}

#[test]
fn files_of_the_wrong_length() {
    let bytes = idx(8, &[2, 1, 2], &[1, 2, 3]);
    assert_refused(&bytes, &["expected 20 bytes", "2 x 1 x 2", "found 19 bytes"]);
    let bytes = idx(8, &[2, 1, 2], &[1, 2, 3, 4, 5]);
    assert_refused(&bytes, &["expected 20 bytes", "found"]);
    assert_refused(&bytes[..9], &["a header of 16 bytes", "found 9 bytes"]);
    assert_refused(&[], &["00 00 08 03", "an empty file"]);
}

#[test]
fn the_length_of_a_plain_file_is_compared_first() {
    let folder = Folder::new();
    write_pair(&folder, "train", 0, &[3, 4]);
    folder.write("train-labels-idx1-ubyte", idx(8, &[2], &[0; 5]));
    assert_error(read(folder.path()), &["expected 10 bytes", "found 13 bytes"]);
}

#[test]
fn headers_that_lie() {
    let huge = idx(8, &[u32::MAX, 65535, 16], &[1]);
    assert_refused(&huge, &["4294967295 x 65535 x 16", "found 17 bytes"]);
    let overflowing = idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[1]);
    assert_refused(&overflowing, &["4294967295 x 4294967295 x 4294967295", "memory"]);
    assert_refused(&idx(8, &[0, 1, 2], &[]), &["at least one", "0 x 1 x 2"]);
    assert_refused(&idx(8, &[2, 0, 2], &[]), &["at least one", "2 x 0 x 2"]);
}

#[test]
fn other_kinds_of_file() {
    assert_refused(b"a,b\n1,2\n", &["00 00 08 03", "61 2c 62 0a"]);
    assert_refused(&idx(0x0a, &[2, 1, 1], &[0; 2]), &["00 00 08 03", "00 00 0a 03"]);
    assert_refused(&idx(8, &[2, 3, 1, 1], &[0; 6]), &["4 dimensions", "color images", "convert"]);
    assert_refused(&idx(8, &[2], &[1, 2]), &["3 dimensions", "1 dimensions"]);
}

#[test]
fn files_that_contradict_each_other() {
    let folder = Folder::new();
    write_pair(&folder, "train", 0, &[1, 2, 3]);
    folder.write("train-labels-idx1-ubyte", idx(8, &[2], &[1, 2]));
    assert_error(read(folder.path()), &["train-labels-idx1-ubyte: expected 3 labels", "found 2"]);

    let folder = Folder::new();
    write_pair(&folder, "train", 0, &[1, 2]);
    folder.write("t10k-images-idx3-ubyte", idx(8, &[1, 3, 2], &[0; 6]));
    folder.write("t10k-labels-idx1-ubyte", idx(8, &[1], &[1]));
    assert_error(read(folder.path()), &["t10k-images-idx3-ubyte: expected images of 2 x 3", "found 3 x 2"]);
}

#[test]
fn damaged_gzip() {
    let folder = Folder::new();
    let mut bytes = gzip(&idx(8, &[1, 10, 20], &[7; 200]));
    bytes.truncate(bytes.len() - 10);
    folder.write("train-images-idx3-ubyte.gz", bytes);
    folder.write("train-labels-idx1-ubyte", idx(8, &[1], &[3]));
    assert_error(read(folder.path()), &["cannot read", "train-images-idx3-ubyte.gz"]);
}

/// Whole numbers as elements of an IDX type.
fn elements(element: u8, numbers: &[f64]) -> Vec<u8> {
    let bytes = |number: f64| match element {
        0x08 => vec![number as u8],
        0x09 => vec![(number as i8) as u8],
        0x0b => (number as i16).to_be_bytes().to_vec(),
        0x0c => (number as i32).to_be_bytes().to_vec(),
        0x0d => (number as f32).to_be_bytes().to_vec(),
        0x0e => number.to_be_bytes().to_vec(),
        _ => panic!("no such element type"),
    };
    numbers.iter().flat_map(|number| bytes(*number)).collect()
}

const ELEMENTS: [u8; 6] = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];

/// A training pair of some element types.
fn pair(element: u8, shape: &[u32], pixels: &[f64], label_element: u8, labels: &[f64]) -> Folder {
    let folder = Folder::new();
    folder.write("train-images-idx3-ubyte", idx(element, shape, &elements(element, pixels)));
    let labels = idx(label_element, &[labels.len() as u32], &elements(label_element, labels));
    folder.write("train-labels-idx1-ubyte", labels);
    folder
}

#[test]
fn every_element_type_holds_the_same_images() {
    let pixels = [0.0, 1.0, 2.0, 3.0, 126.0, 127.0];
    for element in ELEMENTS {
        for label_element in ELEMENTS {
            let folder = pair(element, &[3, 1, 2], &pixels, label_element, &[7.0, 0.0, 127.0]);
            let dataset = read(folder.path()).unwrap();
            assert_eq!(bytes(&dataset), [0, 1, 2, 3, 126, 127], "{element}");
            assert_eq!(labels(&dataset), [7, 0, 127], "{label_element}");
            assert_eq!(dataset.description, "3 images of 1 x 2, 3 classes");
        }
    }
    // What is above 127 does not fit into a signed byte.
    for element in [0x08, 0x0b, 0x0c, 0x0d, 0x0e] {
        let folder = pair(element, &[2, 1, 2], &[255.0, 128.0, 0.0, 200.0], 8, &[1.0, 2.0]);
        assert_eq!(bytes(&read(folder.path()).unwrap()), [255, 128, 0, 200], "{element}");
    }
}

#[test]
fn numbers_that_are_no_bytes() {
    for (element, pixels) in [
        (0x09, [0.0, 1.0, -1.0, -128.0]),
        (0x0b, [0.0, 256.0, -32768.0, 32767.0]),
        (0x0c, [0.0, 70_000.0, -2_147_483_648.0, 2_147_483_647.0]),
        (0x0d, [0.0, 0.5, -0.25, f64::from(1e30_f32)]),
        (0x0e, [0.0, 0.1, -1e-300, 1e300]),
    ] {
        let folder = pair(element, &[2, 1, 2], &pixels, 8, &[1.0, 2.0]);
        assert_eq!(numbers(&read(folder.path()).unwrap()), pixels, "{element}");
        let bytes = idx(element, &[2, 1, 2], &elements(element, &pixels));
        assert_eq!(numbers(&read_idx_bytes("memory", &bytes, None).unwrap()), pixels);
    }
    let labels_of = |element, values: &[f64]| {
        let dataset = read(pair(8, &[2, 1, 1], &[0.0, 1.0], element, values).path()).unwrap();
        labels(&dataset).to_vec()
    };
    assert_eq!(labels_of(0x09, &[-1.0, 5.0]), [-1, 5]);
    assert_eq!(labels_of(0x0b, &[-300.0, 32767.0]), [-300, 32767]);
    assert_eq!(labels_of(0x0c, &[-70_000.0, 2_147_483_647.0]), [-70_000, 2_147_483_647]);
    assert_eq!(labels_of(0x0e, &[9_007_199_254_740_992.0, -5.0]), [9_007_199_254_740_992, -5]);
}

/// More elements than are read at once, the only fraction far behind.
#[test]
fn a_late_fraction() {
    let mut pixels: Vec<f64> = (0..60_000).map(|i| f64::from(i % 251)).collect();
    for at in [0, 8_191, 8_192, 40_001, 59_999] {
        let whole = std::mem::replace(&mut pixels[at], 0.5);
        let file = idx(0x0e, &[300, 10, 20], &elements(0x0e, &pixels));
        assert_eq!(numbers(&read_idx_bytes("memory", &file, None).unwrap()), pixels);
        let folder = Folder::new();
        folder.write("images-idx3-double.gz", gzip(&file));
        assert_eq!(numbers(&read(folder.path()).unwrap()), pixels);
        pixels[at] = whole;
    }
}

#[test]
fn pixels_and_labels_that_are_no_numbers() {
    for (value, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        for element in [0x0d, 0x0e] {
            let mut pixels = [1.0; 12];
            pixels[9] = value;
            assert_error(
                read(pair(element, &[2, 2, 3], &pixels, 8, &[1.0, 2.0]).path()),
                &["train-images-idx3-ubyte: pixel 1,0 of image 1 (counted from 0) is", shown],
            );
            assert_error(
                read(pair(8, &[2, 1, 1], &[1.0, 2.0], element, &[1.0, value]).path()),
                &["train-labels-idx1-ubyte: the label of image 1 (counted from 0) is", shown],
            );
        }
    }
    assert_error(
        read(pair(8, &[2, 1, 1], &[1.0, 2.0], 0x0d, &[1.0, 2.5]).path()),
        &["the label of image 1 (counted from 0) is 2.5", "whole number"],
    );
    assert_error(
        read(pair(8, &[2, 1, 1], &[1.0, 2.0], 0x0e, &[1e17, 2.0]).path()),
        &["the label of image 0", "100000000000000000"],
    );
}

#[test]
fn wrong_lengths_of_wider_elements() {
    for element in ELEMENTS {
        let bytes = idx(element, &[2, 1, 2], &elements(element, &[1.0, 2.0, 3.0, 4.0]));
        let expected = format!("expected {} bytes", bytes.len());
        let found = format!("found {} bytes", bytes.len() - 1);
        assert_refused(&bytes[..bytes.len() - 1], &[&expected, &found]);
        assert_refused(&[&bytes[..], &[0]].concat(), &[&expected]);
        assert_error(read_idx_bytes("memory", &bytes[..bytes.len() - 1], None), &["memory", &expected]);
        let huge = idx(element, &[u32::MAX, u32::MAX, 2], &[1]);
        assert_refused(&huge, &["4294967295 x 4294967295 x 2"]);
    }
    assert_refused(&idx(0x0e, &[u32::MAX, u32::MAX, 1], &[1]), &["memory"]);
}

#[test]
fn rows_of_numbers_are_images_of_height_one() {
    let folder = pair(0x0d, &[2, 3], &[0.5, 1.0, 2.0, 3.0, 4.0, 5.0], 8, &[1.0, 2.0]);
    let dataset = read(folder.path()).unwrap();
    assert_eq!((images(&dataset).height, images(&dataset).width), (1, 3));
    assert_eq!(dataset.description, "2 images of 1 x 3, 2 classes");
}

/// The inputs of all rows after a fit on all rows.
fn inputs(dataset: &Dataset) -> (Preprocessing, Vec<f64>) {
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    let (preprocessing, _) = fit_rows(dataset, None, None, true, &rows).unwrap();
    preprocessing.validate().unwrap();
    let inputs = preprocessing.inputs_of(dataset, &rows).unwrap();
    (preprocessing, inputs)
}

#[test]
fn the_same_images_in_another_type_give_the_same_inputs() {
    let pixels = [3.0, 77.0, 250.0, 3.0, 0.0, 128.0];
    let bits = |element| {
        let dataset = read(pair(element, &[2, 1, 3], &pixels, element, &[1.0, 2.0]).path()).unwrap();
        let (preprocessing, inputs) = inputs(&dataset);
        (preprocessing, inputs.into_iter().map(f64::to_bits).collect::<Vec<_>>())
    };
    let expected = bits(0x08);
    for element in [0x0b, 0x0c, 0x0d, 0x0e] {
        assert_eq!(bits(element), expected, "{element}");
    }
    let images = Images::new(1, 3, Pixels::Numbers(pixels.to_vec()), Some(vec![1, 2])).unwrap();
    let (preprocessing, _) = inputs(&Dataset::from_images("memory", images));
    assert_eq!(preprocessing, expected.0);
}

#[test]
fn numbers_are_standardized() {
    // The mean of the training rows 0 and 1 is 2.5, their variance 4.5 / 4; the first pixel does not vary there.
    let folder = pair(0x0e, &[3, 1, 2], &[2.5, 1.0, 2.5, 4.0, 9.5, -3.0], 8, &[1.0, 2.0, 1.0]);
    let dataset = read(folder.path()).unwrap();
    let (preprocessing, _) = fit_rows(&dataset, None, None, true, &[0, 1]).unwrap();
    let InputPreprocessing::Images(learned) = &preprocessing.inputs else { panic!("no images") };
    let deviation = 1.125_f64.sqrt();
    assert_eq!((learned.mean, learned.numbers, learned.maximum), (2.5, true, 1));
    assert!((learned.standard_deviation - deviation).abs() < 1e-15);
    assert_eq!(learned.constant, [(0, 2.5)]);
    let found: Vec<f64> = preprocessing.inputs_of(&dataset, &[2, 0]).unwrap();
    let deviation = learned.standard_deviation;
    assert_eq!(found, [0.0, -5.5 / deviation, 0.0, -1.5 / deviation]);
    assert!(preprocessing.input_bytes::<f32>(&dataset, &[0]).unwrap().is_none());
}

/// Bytes are divided by their maximum and numbers are not, so one must never stand for the other.
#[test]
fn bytes_and_numbers_are_not_mixed() {
    let fractions = read(pair(0x0d, &[2, 1, 2], &[0.25, 1.0, 0.5, 0.0], 8, &[1.0, 2.0]).path()).unwrap();
    let of_bytes = read(pair(0x08, &[2, 1, 2], &[64.0, 255.0, 128.0, 0.0], 8, &[1.0, 2.0]).path()).unwrap();
    let (from_fractions, _) = inputs(&fractions);
    let (from_bytes, _) = inputs(&of_bytes);
    assert_error(
        from_bytes.inputs_of::<f32>(&fractions, &[0]),
        &["pixel 0,0 of image 0 (counted from 0) is 0.25", "whole number from 0 to 255"],
    );
    assert!(from_bytes.input_bytes::<f32>(&fractions, &[0]).unwrap().is_none());
    assert_error(from_fractions.inputs_of::<f32>(&of_bytes, &[0]), &["unsigned bytes", "element type"]);
    assert_error(from_fractions.input_bytes::<f32>(&of_bytes, &[0]), &["unsigned bytes"]);

    // Fractions that happen to be whole are the numbers 0 and 1, not 0 and 1 of 255.
    let black_and_white = read(pair(0x0d, &[1, 1, 2], &[0.0, 1.0], 8, &[1.0]).path()).unwrap();
    let InputPreprocessing::Images(ImageInputs { mean, standard_deviation, .. }) = from_fractions.inputs
    else {
        panic!("no images")
    };
    let expected = [-mean / standard_deviation, (1.0 - mean) / standard_deviation];
    assert_eq!(from_fractions.inputs_of::<f64>(&black_and_white, &[0]).unwrap(), expected);
    let (bytes, number_of) = from_fractions.input_bytes::<f64>(&black_and_white, &[0]).unwrap().unwrap();
    assert_eq!(bytes.map_numbers(&number_of), expected);
}

#[test]
fn parts_of_several_types_are_joined_where_their_scale_is_known() {
    let write = |train: (u8, [f64; 2]), test: (u8, [f64; 2])| {
        let folder = Folder::new();
        for (start, (element, pixels)) in [("train", train), ("t10k", test)] {
            let images = idx(element, &[1, 1, 2], &elements(element, &pixels));
            folder.write(&format!("{start}-images-idx3-ubyte"), images);
            folder.write(&format!("{start}-labels-idx1-ubyte"), idx(8, &[1], &[1]));
        }
        read(folder.path())
    };
    let whole = write((0x0c, [1.0, 2.0]), (0x08, [3.0, 4.0])).unwrap();
    assert_eq!(bytes(&whole), [1, 2, 3, 4]);
    let fractions = read(pair(0x0d, &[2, 1, 2], &[0.25, 1.0, 0.5, 0.0], 8, &[1.0, 2.0]).path()).unwrap();
    assert_error(inputs(&fractions).0.inputs_of::<f32>(&whole, &[0]), &["unsigned bytes"]);
    assert_eq!(numbers(&write((0x0d, [0.5, 2.0]), (0x0d, [1.0, 0.0])).unwrap()), [0.5, 2.0, 1.0, 0.0]);
    assert_eq!(numbers(&write((0x0d, [1.0, 0.0]), (0x0d, [0.5, 2.0])).unwrap()), [1.0, 0.0, 0.5, 2.0]);
    assert_eq!(numbers(&write((0x0d, [1.5, 0.0]), (0x0e, [0.5, 2.0])).unwrap()), [1.5, 0.0, 0.5, 2.0]);
    assert_error(write((0x08, [1.0, 0.0]), (0x0d, [0.5, 2.0])), &["train-images", "one element type"]);
    assert_error(write((0x0d, [0.5, 2.0]), (0x08, [1.0, 0.0])), &["t10k-images", "one element type"]);
}

#[test]
fn names_in_use() {
    for (names, set_aside) in [
        (vec!["emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"], None),
        (vec!["qmnist-train-images-idx3-ubyte.gz", "qmnist-train-labels-idx2-int.gz"], None),
        (vec!["TRAIN-IMAGES-IDX3-UBYTE", "TRAIN-LABELS-IDX1-UBYTE.GZ"], None),
        (vec!["images.idx", "labels.idx"], None),
        (vec!["images-idx3-ubyte", "labels-idx1-ubyte"], None),
        (vec!["my_own_images_idx3.bin", "my_own_labels_idx1.bin"], None),
        (vec!["val-images-idx3-ubyte", "val-labels-idx1-ubyte"], None),
        (
            vec![
                "Train-Images.idx3-ubyte",
                "train-labels-idx1-int",
                "test-images-idx3-float",
                "test-labels.idx1-ubyte.gz",
            ],
            Some(2..4),
        ),
        (
            vec![
                "emnist-digits-train-images-idx3-ubyte",
                "emnist-digits-train-labels-idx1-ubyte",
                "emnist-digits-test-images-idx3-ubyte",
                "emnist-digits-test-labels-idx1-ubyte",
            ],
            Some(2..4),
        ),
    ] {
        let folder = Folder::new();
        folder.write("readme-images-idx.txt", "no images");
        folder.write("._train-images-idx3-ubyte", "what a Macintosh leaves");
        folder.write("emnist-letters-mapping.txt", "1 65 97");
        for name in &names {
            let is_images = name.to_lowercase().contains("images");
            let bytes = if is_images { idx(8, &[2, 1, 1], &[8, 9]) } else { idx(8, &[2], &[3, 4]) };
            folder.write(name, if name.to_lowercase().ends_with(".gz") { gzip(&bytes) } else { bytes });
        }
        let dataset = read(folder.path()).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        assert_eq!(labels(&dataset).len(), names.len(), "{names:?}");
        assert_eq!(dataset.test_rows, set_aside, "{names:?}");
        assert!(dataset.notes.is_empty(), "{names:?}: {:?}", dataset.notes);
    }
}

#[test]
fn a_file_in_several_forms() {
    let folder = Folder::new();
    write_pair(&folder, "train", 0, &[4, 5]);
    folder.write("train-labels-idx1-ubyte.gz", gzip(&idx(8, &[2], &[9, 9])));
    let dataset = read(folder.path()).unwrap();
    assert_eq!(labels(&dataset), [4, 5]);
    assert!(dataset.notes.is_empty());
    folder.write("train-labels.idx1-ubyte", idx(8, &[2], &[9, 9]));
    let dataset = read(folder.path()).unwrap();
    assert_eq!(labels(&dataset), [4, 5]);
    assert_eq!(codes(&dataset.notes), ["image_file_ignored"]);

    write_pair(&folder, "t10k", 0, &[4, 5]);
    write_pair(&folder, "test", 0, &[4, 5]);
    assert_error(
        read(folder.path()),
        &["several files", "'t10k-images-idx3-ubyte'", "'test-images-idx3-ubyte'"],
    );
}

#[test]
fn several_data_sets_in_a_directory() {
    let folder = Folder::new();
    write_pair(&folder, "emnist-letters-train", 10, &[1, 2]);
    write_pair(&folder, "emnist-letters-test", 60, &[2, 2]);
    write_pair(&folder, "emnist-digits-train", 80, &[3, 4, 5]);
    assert_error(
        read(folder.path()),
        &["several data sets", "'emnist-letters-test-labels-idx1-ubyte'", "name one file of images instead"],
    );
    let path = format!("{}/emnist-digits-train-images-idx3-ubyte", folder.path());
    let dataset = read(&path).unwrap();
    assert_eq!((labels(&dataset), dataset.name.as_str()), (&[3, 4, 5][..], path.as_str()));
    assert_eq!(bytes(&dataset)[0], 80);
    assert_eq!(dataset.test_rows, None);
}

#[test]
fn a_single_file() {
    let folder = Folder::new();
    write_pair(&folder, "train", 10, &[1, 2]);
    let alone = folder.write("some.idx", gzip(&idx(8, &[2, 1, 2], &[1, 2, 3, 4])));
    let dataset = read(&alone).unwrap();
    assert_eq!((bytes(&dataset), &images(&dataset).labels), (&[1, 2, 3, 4][..], &None));
    assert_error(objective(&dataset), &["some.idx", "without labels", "give labels"]);
    let path = format!("{}/train-labels-idx1-ubyte", folder.path());
    assert_error(read(&path), &["train-labels-idx1-ubyte", "labels, not images"]);
    let other = folder.write("other", idx(8, &[4], &[1, 2, 3, 4]));
    assert_error(read(&other), &["other", "3 dimensions"]);
    folder.write("t10k-images-idx3-ubyte", idx(8, &[1, 2, 3], &[0; 6]));
    let dataset = read(&format!("{}/t10k-images-idx3-ubyte", folder.path())).unwrap();
    assert_eq!(dataset.description, "1 image of 2 x 3, without labels");
}

#[test]
fn folders_as_torchvision_makes_them() {
    let folder = Folder::new();
    std::fs::create_dir_all(format!("{}/MNIST/raw", folder.path())).unwrap();
    std::fs::create_dir_all(format!("{}/FashionMNIST/raw", folder.path())).unwrap();
    assert_error(read(folder.path()), &["holds none of the files"]);
    write_pair(&folder, "MNIST/raw/train", 10, &[1, 2]);
    write_pair(&folder, "MNIST/raw/t10k", 50, &[2]);
    folder.write("MNIST/raw/train-images-idx3-ubyte.gz", "as it was downloaded");
    for source in [folder.path().to_owned(), format!("{}/MNIST", folder.path())] {
        let dataset = read(&source).unwrap();
        assert_eq!((labels(&dataset), dataset.test_rows.clone()), (&[1, 2, 2][..], Some(2..3)));
        assert_eq!((codes(&dataset.notes), &dataset.name), (vec!["images_found_below"], &source));
        assert!(dataset.notes[0].message.ends_with("MNIST/raw"), "{}", dataset.notes[0]);
    }
    write_pair(&folder, "FashionMNIST/raw/train", 10, &[1, 2]);
    assert_error(read(folder.path()), &["FashionMNIST/raw', '", "MNIST/raw'", "name one of these"]);
}

#[test]
fn images_without_labels() {
    let folder = Folder::new();
    folder.write("t10k-images-idx3-ubyte.gz", gzip(&idx(8, &[2, 2, 3], &[7; 12])));
    let dataset = read(folder.path()).unwrap();
    assert_eq!((dataset.rows(), dataset.test_rows.clone()), (2, None));
    assert_eq!(dataset.description, "2 images of 2 x 3, without labels");
    let trained = read(pair(8, &[2, 2, 3], &[5.0; 12], 8, &[1.0, 2.0]).path()).unwrap();
    let (preprocessing, _) = inputs(&trained);
    assert_eq!(preprocessing.inputs_of::<f32>(&dataset, &[0, 1]).unwrap().len(), 12);
    assert_eq!(preprocessing.input_bytes::<f32>(&dataset, &[1]).unwrap().unwrap().0.len(), 6);
    let wanted = ["images without labels", "t10k-labels-idx1-ubyte", folder.path()];
    assert_error(objective(&dataset), &wanted);
    assert_error(fit_rows(&dataset, None, Some(Task::Regression), true, &[0]), &wanted);
    assert_error(preprocessing.targets(&dataset, &[0]), &wanted);
}

#[test]
fn unlabelled_beside_labelled() {
    let folder = Folder::new();
    write_pair(&folder, "train", 10, &[1, 2]);
    folder.write("t10k-images-idx3-ubyte", idx(8, &[1, 2, 3], &[0; 6]));
    let dataset = read(folder.path()).unwrap();
    assert_eq!((labels(&dataset), dataset.test_rows.clone()), (&[1, 2][..], None));
    assert_eq!(codes(&dataset.notes), ["unlabelled_images_left_out"]);
    assert!(dataset.notes[0].message.contains("t10k-labels-idx1-ubyte"), "{}", dataset.notes[0]);

    // Training images without labels beside labelled ones are half of a pair, not the smaller data set.
    let labels_of = |start: &str| format!("{}/{start}-labels-idx1-ubyte", folder.path());
    std::fs::rename(labels_of("train"), labels_of("t10k")).unwrap();
    assert_error(read(folder.path()), &["train-images-idx3-ubyte but not train-labels-idx1-ubyte"]);

    // Without any labels, all images are there, the test images last.
    std::fs::remove_file(labels_of("t10k")).unwrap();
    let dataset = read(folder.path()).unwrap();
    assert_eq!((dataset.rows(), dataset.test_rows.clone()), (3, Some(2..3)));
    assert_eq!(bytes(&dataset)[..2], [10, 11]);
}

#[test]
fn validation_images_stand_between() {
    let folder = Folder::new();
    write_pair(&folder, "validation", 100, &[5, 6]);
    write_pair(&folder, "train", 10, &[1]);
    assert_eq!(read(folder.path()).unwrap().test_rows, None);
    write_pair(&folder, "test", 200, &[9]);
    let dataset = read(folder.path()).unwrap();
    assert_eq!((labels(&dataset), dataset.test_rows.clone()), (&[1, 5, 6, 9][..], Some(3..4)));
    assert_eq!(codes(&dataset.notes), ["validation_images_joined"]);
}

#[test]
fn labels_with_several_columns() {
    let folder = Folder::new();
    folder.write("qmnist-test-images-idx3-ubyte", idx(8, &[2, 1, 1], &[8, 9]));
    let extended = [5.0, 4.0, 70_000.0, 7.0, 0.0, -1.0];
    folder.write("qmnist-test-labels-idx2-int", idx(0x0c, &[2, 3], &elements(0x0c, &extended)));
    let dataset = read(folder.path()).unwrap();
    assert_eq!(labels(&dataset), [5, 7]);
    assert_eq!(codes(&dataset.notes), ["label_columns"]);
    folder.write("qmnist-test-labels-idx2-int", idx(8, &[2, 3], &[5, 1, 2, 7, 0, 1]));
    assert_eq!(labels(&read(folder.path()).unwrap()), [5, 7]);
    folder.write("qmnist-test-labels-idx2-int", idx(8, &[2, 3], &[0, 1, 0, 1, 0, 0]));
    assert_error(read(folder.path()), &["single 1 among 3 numbers", "number of the class"]);
    folder.write("qmnist-test-labels-idx2-int", idx(8, &[3, 2], &[0; 6]));
    assert_error(read(folder.path()), &["expected 2 labels", "found 3"]);
    let dataset = read(pair(8, &[2, 1, 1], &[8.0, 9.0], 0x0c, &[-7.0, 300.0]).path()).unwrap();
    let (preprocessing, _) = inputs(&dataset);
    assert_eq!(preprocessing.class_names().unwrap(), ["-7", "300"]);
    assert_eq!(preprocessing.targets(&dataset, &[1, 0]).unwrap(), TargetValues::Classes(vec![1, 0]));
    assert_eq!(objective(&dataset).unwrap().strata().unwrap(), [0, 1]);
}

/// Weights of a pixel that never varied are untrained: what it shows in prediction must not reach them.
#[test]
fn a_pixel_that_is_constant_in_training_stays_constant() {
    for element in [0x08, 0x0e] {
        let half = if element == 0x0e { 0.5 } else { 0.0 };
        let rows = [[9.0, 1.0 + half, 0.0], [9.0, 2.0, 0.0], [9.0, 4.0, 0.0], [200.0, 4.0, 77.0]];
        let dataset =
            read(pair(element, &[4, 1, 3], &rows.concat(), 8, &[1.0, 2.0, 1.0, 2.0]).path()).unwrap();
        let (preprocessing, _) = fit_rows(&dataset, None, None, true, &[0, 1, 2]).unwrap();
        let InputPreprocessing::Images(learned) = &preprocessing.inputs else { panic!("no images") };
        let unit = if element == 0x0e { 1.0 } else { 255.0 };
        assert_eq!(learned.constant, [(0, 9.0 / unit), (2, 0.0)]);
        let inputs = preprocessing.inputs_of::<f32>(&dataset, &[3, 2]).unwrap();
        assert_eq!(inputs[..3], inputs[3..]);
        let free = ImageInputs { constant: Vec::new(), ..learned.clone() };
        let free = Preprocessing { inputs: InputPreprocessing::Images(free), ..preprocessing.clone() };
        let training = preprocessing.inputs_of::<f32>(&dataset, &[0, 1, 2]).unwrap();
        assert_eq!(training, free.inputs_of::<f32>(&dataset, &[0, 1, 2]).unwrap(), "training is as without");
        assert_ne!(inputs, free.inputs_of::<f32>(&dataset, &[3, 2]).unwrap());
        if element == 0x08 {
            let (bytes, number_of) = preprocessing.input_bytes::<f32>(&dataset, &[3, 2]).unwrap().unwrap();
            assert_eq!(bytes, [9, 4, 0, 9, 4, 0]);
            assert_eq!(bytes.map_numbers(&number_of), inputs);
        }
    }
}

#[test]
fn a_constant_that_no_byte_of_other_images_stands_for() {
    let images = |maximum, values: Vec<u8>, labels| {
        let images = Images::new(1, 2, Pixels::Bytes { maximum, values }, labels).unwrap();
        Dataset::from_images("memory", images)
    };
    let (preprocessing, _) = inputs(&images(16, vec![5, 0, 5, 16], Some(vec![1, 2])));
    let same = images(16, vec![3, 16], None);
    assert_eq!(preprocessing.input_bytes::<f64>(&same, &[0]).unwrap().unwrap().0, [5, 16]);
    // 5 / 16 of 255 is no whole number, but 5 / 16 of 16 is.
    let other = images(255, vec![3, 255], None);
    assert!(preprocessing.input_bytes::<f64>(&other, &[0]).unwrap().is_none());
    let [found, expected] = [&other, &same].map(|data| preprocessing.inputs_of::<f64>(data, &[0]).unwrap());
    assert_eq!(found, expected);
}

#[test]
fn images_in_memory_that_do_not_fit_together() {
    let bytes = |values: Vec<u8>| Pixels::Bytes { maximum: 255, values };
    for (result, part) in [
        (Images::new(2, 2, bytes(vec![0; 6]), None), "no multiple of the 4"),
        (Images::new(0, 2, bytes(vec![0; 6]), None), "no pixels"),
        (Images::new(2, 2, bytes(Vec::new()), None), "no pixels"),
        (Images::new(usize::MAX, 2, bytes(vec![0; 6]), None), "too many pixels"),
        (Images::new(1, 2, bytes(vec![0; 6]), Some(vec![1, 2])), "3 images and 2 labels"),
        (Images::new(1, 2, Pixels::Bytes { maximum: 0, values: vec![0; 2] }, None), "maximum"),
        (Images::new(1, 2, Pixels::Numbers(vec![0.5, f64::NAN]), None), "pixel 0,1 of image 0"),
    ] {
        assert_error(result, &["the images", part]);
    }
}

/// The input that each byte stands for.
trait MapNumbers {
    fn map_numbers<T: Copy>(&self, number_of: &[T; 256]) -> Vec<T>;
}

impl MapNumbers for Vec<u8> {
    fn map_numbers<T: Copy>(&self, number_of: &[T; 256]) -> Vec<T> {
        self.iter().map(|byte| number_of[usize::from(*byte)]).collect()
    }
}
