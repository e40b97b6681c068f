//! The built-in set, against what its source states.

use chainrule_data::{Features, Images, Pixels, read};

fn digits() -> Images {
    match read("digits").unwrap().features {
        Features::Images(images) => images,
        Features::Table(_) => panic!("a table, not images"),
    }
}

fn pixels(images: &Images) -> &[u8] {
    match &images.pixels {
        Pixels::Bytes { maximum: 16, values } => values,
        other => panic!("not bytes up to 16: {other:?}"),
    }
}

#[test]
fn shape_and_range() {
    let dataset = read("digits").unwrap();
    assert_eq!(dataset.rows(), 1797);
    assert_eq!(dataset.test_rows, None);
    let images = digits();
    assert_eq!((images.height, images.width), (8, 8));
    assert_eq!(pixels(&images).len(), 1797 * 64);
    assert_eq!(pixels(&images).iter().max(), Some(&16));
}

#[test]
fn labels() {
    let labels = digits().labels.unwrap();
    let mut counts = [0; 10];
    for label in &labels {
        counts[usize::try_from(*label).unwrap()] += 1;
    }
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_first_image_is_a_zero() {
    let expected = [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ];
    assert_eq!(pixels(&digits())[..64], expected.concat());
}
