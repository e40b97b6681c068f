//! Directories of IDX files: names, pairs, compression, and headers that lie.

use crate::folder::{Folder, assert_error, gzip};
use chainrule_data::{Dataset, Features, Images, read};

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

#[test]
fn both_pairs_are_one_set_with_its_test_rows() {
    let folder = Folder::new();
    write_pair(&folder, "train", 10, &[7, 1, 7]);
    write_pair(&folder, "t10k", 100, &[1, 2]);
    let dataset = read(folder.path()).unwrap();
    assert_eq!(dataset.test_rows, Some(3..5));
    assert_eq!(dataset.other_rows(), [0, 1, 2]);
    assert_eq!(dataset.description, "5 images of 2 x 3, 3 classes, the last 2 set aside for testing");
    let images = images(&dataset);
    assert_eq!((images.height, images.width, images.maximum), (2, 3, 255));
    assert_eq!(images.labels, [7, 1, 7, 1, 2]);
    let expected: Vec<u8> = (10..28).chain(100..112).collect();
    assert_eq!(images.pixels, expected);
}

#[test]
fn one_pair_alone_has_no_test_rows() {
    for start in ["train", "t10k", "test"] {
        let folder = Folder::new();
        write_pair(&folder, start, 0, &[4, 5]);
        let dataset = read(folder.path()).unwrap();
        assert_eq!(dataset.test_rows, None);
        assert_eq!(images(&dataset).labels, [4, 5]);
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
    assert_eq!(images(&dataset).pixels, [9, 8, 7, 6]);
    assert_eq!(images(&dataset).labels, [3, 4]);
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

#[test]
fn an_idx_file_in_place_of_its_directory() {
    let folder = Folder::new();
    let bytes = idx(8, &[1, 1, 2], &[9, 8]);
    for bytes in [gzip(&bytes), bytes] {
        let path = folder.write("train-images-idx3-ubyte", bytes);
        assert_error(read(&path), &["is an IDX file", "directory"]);
    }
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
    assert_refused(
        &idx(0x0d, &[2, 1, 1], &[0; 8]),
        &["unsigned byte, the only one supported", "found element type 0x0d"],
    );
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
