//! Kinds P and Q: images without labels are enough to predict; IDX files of every element type, by the names in use.

use serde_json::Value;

use super::{has, note};
use crate::images::gzipped;
use crate::place::Place;

const CLASSES: usize = 5;
const SIDE: usize = 5;

/// An IDX file of this element type, with elements written big-endian.
fn idx(kind: u8, sizes: &[usize], elements: impl IntoIterator<Item = f64>) -> Vec<u8> {
    let mut file = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend((*size as u32).to_be_bytes()));
    for element in elements {
        match kind {
            0x08 => file.push(element as u8),
            0x09 => file.extend((element as i8).to_be_bytes()),
            0x0b => file.extend((element as i16).to_be_bytes()),
            0x0c => file.extend((element as i32).to_be_bytes()),
            0x0d => file.extend((element as f32).to_be_bytes()),
            _ => file.extend(element.to_be_bytes()),
        }
    }
    file
}

fn class_of(i: usize) -> usize {
    i * 7 % CLASSES
}

/// Pixels of images whose row `class` is lit, whole numbers up to 255.
fn pixels(count: usize) -> Vec<f64> {
    let pixel = |i: usize, place: usize| {
        let dim = (i * 31 + place * 17) % 50;
        (dim + if place / SIDE == class_of(i) { 200 } else { 0 }) as f64
    };
    (0..count).flat_map(|i| (0..SIDE * SIDE).map(move |place| pixel(i, place))).collect()
}

fn labels(count: usize, first: i32) -> Vec<f64> {
    (0..count).map(|i| f64::from(first) + class_of(i) as f64).collect()
}

fn pixel_file(count: usize) -> Vec<u8> {
    idx(0x08, &[count, SIDE, SIDE], pixels(count))
}

fn label_file(count: usize) -> Vec<u8> {
    idx(0x08, &[count], labels(count, 0))
}

/// Trains on a folder; its test rows are recognized.
fn learned(place: &Place, folder: &str) -> Value {
    let summary = place.json(&format!("train {folder} --layers 16 --epochs 60 -o model --json"));
    assert!(summary["test"]["accuracy"].as_f64().unwrap() > 0.9, "{folder}: {summary}");
    summary
}

#[test]
fn images_without_labels_are_predicted() {
    for (name, compressed) in [
        ("t10k-images-idx3-ubyte", false),
        ("test-images-idx3-ubyte", false),
        ("pictures.idx3-ubyte.gz", true),
    ] {
        let place = Place::new();
        place.write("known/train-images-idx3-ubyte", &pixel_file(200));
        place.write("known/train-labels-idx1-ubyte", &label_file(200));
        learned(&place, "known");
        let file = pixel_file(15);
        place.write(&format!("new/{name}"), &if compressed { gzipped(&file) } else { file });
        let right: Vec<String> = (0..15).map(|i| class_of(i).to_string()).collect();
        // A folder is known by the names of its files; a file may be called anything.
        let by_name = name != "pictures.idx3-ubyte.gz";
        for data in
            [Some("new".to_owned()).filter(|_| by_name), Some(format!("new/{name}"))].into_iter().flatten()
        {
            let predicted = place.good(&format!("predict model {data}"));
            let found: Vec<&str> =
                predicted.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
            assert_eq!(found, right, "{data}");
            let message = place.refused(&format!("train {data}"), &["labels"]);
            if by_name {
                has(&message, &[&name.replace("images-idx3", "labels-idx1")]);
            }
            place.refused(&format!("evaluate model {data}"), &["labels"]);
        }
    }
}

#[test]
fn labels_and_pixels_of_every_element_type_are_read() {
    for (kind, name, first) in
        [(0x0c, "idx1-int", 0), (0x0b, "idx1-short", 1000), (0x09, "idx1-byte", -2), (0x0c, "idx1-ubyte", 7)]
    {
        let place = Place::new();
        place.write("data/train-images-idx3-ubyte", &pixel_file(200));
        place.write(&format!("data/train-labels-{name}"), &idx(kind, &[200], labels(200, first)));
        learned(&place, "data");
        let described = place.json("describe data --json");
        let classes: Vec<String> = (0..5).map(|class| (first + class).to_string()).collect();
        assert_eq!(described["classes"], serde_json::json!(classes), "{name}");
        assert_eq!(described["rows"], 200);
    }
    let place = Place::new();
    place.write(
        "data/train-images-idx3-float",
        &idx(0x0d, &[200, SIDE, SIDE], pixels(200).into_iter().map(|x| x / 255.0)),
    );
    place.write("data/train-labels-idx1-ubyte", &label_file(200));
    learned(&place, "data");
}

#[test]
fn whole_pixels_in_64_bits_are_those_of_bytes() {
    let place = Place::new();
    let count = 100;
    for (folder, kind, name) in [("bytes", 0x08, "ubyte"), ("doubles", 0x0e, "double"), ("ints", 0x0c, "int")]
    {
        place.write(
            &format!("{folder}/train-images-idx2-{name}"),
            &idx(kind, &[count, SIDE * SIDE], pixels(count)),
        );
        place.write(&format!("{folder}/train-labels-idx1-ubyte"), &label_file(count));
        place.good(&format!("train {folder} --layers 16 --epochs 20 -o model"));
        place.good(&format!("predict model {folder} -o {folder}.csv"));
    }
    assert_eq!(place.text("bytes.csv"), place.text("doubles.csv"));
    assert_eq!(place.text("bytes.csv"), place.text("ints.csv"));
}

#[test]
fn the_first_of_several_label_columns_is_the_class() {
    let place = Place::new();
    let several = (0..200).flat_map(|i| {
        let mut row = vec![99.0 - i as f64; 8];
        row[0] = class_of(i) as f64;
        row
    });
    place.write("qmnist/qmnist-train-images-idx3-ubyte.gz", &gzipped(&pixel_file(200)));
    place.write("qmnist/qmnist-train-labels-idx2-int.gz", &gzipped(&idx(0x0c, &[200, 8], several)));
    let summary = learned(&place, "qmnist");
    has(&note(&summary, "label_columns"), &["8 numbers", "the first of them is the class"]);
    assert_eq!(place.json("describe qmnist --json")["classes"], serde_json::json!(["0", "1", "2", "3", "4"]));
}

#[test]
fn names_and_folders_in_use_are_found() {
    for variant in ["emnist-balanced", "emnist-letters"] {
        let place = Place::new();
        for (part, count) in [("train", 150), ("test", 50)] {
            place.write(&format!("data/{variant}-{part}-images-idx3-ubyte.gz"), &gzipped(&pixel_file(count)));
            let labels = idx(0x08, &[count], labels(count, 1));
            place.write(&format!("data/{variant}-{part}-labels-idx1-ubyte.gz"), &gzipped(&labels));
        }
        let summary = learned(&place, "data");
        assert_eq!(summary["test"]["rows"], 50, "{summary}");
        assert_eq!(
            summary["training_rows"].as_u64().unwrap() + summary["validation"]["rows"].as_u64().unwrap(),
            150
        );
        let described = place.json("describe data --json");
        assert_eq!(described["classes"], serde_json::json!(["1", "2", "3", "4", "5"]));
    }
    for root in ["MNIST", "FashionMNIST"] {
        let place = Place::new();
        for (part, count) in [("train", 150), ("t10k", 50)] {
            place.write(&format!("root/{root}/raw/{part}-images-idx3-ubyte"), &pixel_file(count));
            place.write(&format!("root/{root}/raw/{part}-labels-idx1-ubyte"), &label_file(count));
        }
        for folder in ["root".to_owned(), format!("root/{root}"), format!("root/{root}/raw")] {
            let summary = place.json(&format!("train {folder} --layers 8 --epochs 2 -o model --json"));
            assert_eq!(summary["test"]["rows"], 50, "{folder}");
            assert_eq!(
                super::notes(&summary, "images_found_below").len(),
                usize::from(!folder.ends_with("raw"))
            );
        }
    }
}
