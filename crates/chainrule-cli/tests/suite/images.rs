//! Directories of IDX files: trained on, and refused where they are damaged.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::place::Place;

/// An IDX file of unsigned bytes.
fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Images of 3 x 4 pixels with one of three rows lit, and their labels.
fn stripes(count: usize) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..count).map(|i| (i * 7 % 3) as u8).collect();
    let pixel = |i: usize, place: usize| {
        let dim = (i * 31 + place * 17) % 60;
        (dim + if place / 4 == usize::from(labels[i]) { 180 } else { 0 }) as u8
    };
    let pixels =
        (0..count).flat_map(|i| (0..12).map(move |place| (i, place))).map(|(i, place)| pixel(i, place));
    let pixels: Vec<u8> = pixels.collect();
    (idx(&[count as u32, 3, 4], &pixels), idx(&[count as u32], &labels))
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A directory `images` with training and test images.
pub(crate) fn folder(compressed: bool) -> Place {
    let place = Place::new();
    for (start, count) in [("train", 90), ("t10k", 30)] {
        let (images, labels) = stripes(count);
        for (name, bytes) in [("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)] {
            let name = format!("images/{start}-{name}");
            match compressed {
                true => place.write(&(name + ".gz"), &gzipped(&bytes)),
                false => place.write(&name, &bytes),
            }
        }
    }
    place
}

#[test]
fn a_directory_of_images_is_learned() {
    for compressed in [false, true] {
        let place = folder(compressed);
        let summary = place.json("train images --epochs 20 -o model.safetensors --json");
        assert_eq!(summary["test"]["rows"], 30, "the test images are those of the directory");
        assert_eq!(summary["training_rows"], 81);
        assert_eq!(summary["test"]["accuracy"], 1.0);
        let again = place.json("evaluate model.safetensors images --part test --json");
        assert_eq!(again["loss"], summary["test"]["loss"]);
        let predictions = place.good("predict model.safetensors images");
        assert_eq!(predictions.lines().count(), 1 + 120);
        assert_eq!(predictions.lines().next(), Some("prediction,probability 0,probability 1,probability 2"));
        assert!(place.good("check model.safetensors images").contains("passed"));
    }
}

#[test]
fn damaged_images_are_refused() {
    let (images, labels) = stripes(90);
    let images_name = "images/train-images-idx3-ubyte";
    let labels_name = "images/train-labels-idx1-ubyte";
    let huge = idx(&[u32::MAX, 60_000, 60_000], &[0; 24]);
    let mut floats = images.clone();
    floats[2] = 0x0d;
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        (images_name, Vec::new(), &["train-images-idx3-ubyte"]),
        (images_name, images[..3].to_vec(), &["train-images-idx3-ubyte"]),
        (images_name, images[..10].to_vec(), &["train-images-idx3-ubyte"]),
        (images_name, images[..500].to_vec(), &["expected 1096 bytes", "found 500 bytes"]),
        (images_name, huge, &["train-images-idx3-ubyte"]),
        (images_name, floats, &["train-images-idx3-ubyte"]),
        (labels_name, labels[..50].to_vec(), &["expected 98 bytes", "found 50 bytes"]),
        (labels_name, idx(&[80], &[0; 80]), &["90", "80"]),
    ];
    for (name, bytes, words) in cases {
        for compressed in [false, true] {
            let place = folder(compressed);
            match compressed {
                true => place.write(&format!("{name}.gz"), &gzipped(&bytes)),
                false => place.write(name, &bytes),
            }
            let file = name.strip_prefix("images/").unwrap();
            let message = place.refused("train images", &[file]);
            let digits: String = message.chars().filter(|&sign| sign != ',').collect();
            assert!(words.iter().all(|word| digits.contains(word)), "{words:?} are not in: {message}");
        }
    }
    let place = folder(true);
    let whole = place.read("images/train-images-idx3-ubyte.gz");
    place.write("images/train-images-idx3-ubyte.gz", &whole[..whole.len() / 2]);
    place.refused("train images", &["train-images-idx3-ubyte.gz"]);
    std::fs::remove_file(place.path("images/train-labels-idx1-ubyte.gz")).unwrap();
    place.refused("train images", &["train-labels-idx1-ubyte"]);
    let place = Place::new();
    std::fs::create_dir(place.path("images")).unwrap();
    place.refused("train images", &["images", "train-images-idx3-ubyte", "CSV"]);
}

#[test]
fn images_of_another_kind_are_refused() {
    let place = folder(false);
    place.good("train images --epochs 1 -o model.safetensors");
    place.refused("predict model.safetensors digits", &["digits", "8 x 8", "3 x 4"]);
    place.write("table.csv", b"a,b\n1,2\n");
    place.refused("predict model.safetensors table.csv", &["table.csv", "images"]);
    place.refused("predict model.safetensors images --with-inputs", &["images", "--with-inputs"]);
}
