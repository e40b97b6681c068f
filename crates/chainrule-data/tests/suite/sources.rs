//! From the bytes of a file to its text: compression, encodings, line ends.

use crate::folder::{Folder, assert_error, cells, csv_with, gzip, table};
use chainrule_data::{Dataset, ReadOptions, read, read_with};

/// `a,b\n1,2\n` and `3,4\n` as two zstd frames, with a frame between them that is to be skipped. The program zstd made the
/// two, the first with a checksum.
const TWO_FRAMES: [u8; 47] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x61, 0x2c, 0x62, 0x0a, 0x31, 0x2c, 0x32, 0x0a,
    0x35, 0xe7, 0xca, 0xce, 0x50, 0x2a, 0x4d, 0x18, 0x05, 0x00, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
    0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x21, 0x00, 0x00, 0x33, 0x2c, 0x34, 0x0a,
];

/// `a,b\n` and 200,000 times `17,x\n` in blocks of 128 KiB, by zstd -19.
const MANY_BLOCKS: [u8; 106] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x84, 0x00, 0x00, 0x40, 0x61, 0x2c, 0x62, 0x0a, 0x31, 0x37, 0x2c,
    0x78, 0x01, 0x00, 0xf5, 0xff, 0xc8, 0x0b, 0x17, 0x44, 0x00, 0x00, 0x00, 0x01, 0x00, 0xfd, 0xff, 0xc8,
    0x0b, 0x10, 0x44, 0x00, 0x00, 0x00, 0x01, 0x00, 0xfd, 0xff, 0x39, 0x00, 0x02, 0x44, 0x00, 0x00, 0x00,
    0x01, 0x00, 0xfd, 0xff, 0x39, 0x00, 0x02, 0x44, 0x00, 0x00, 0x00, 0x01, 0x00, 0xfd, 0xff, 0x39, 0x00,
    0x02, 0x44, 0x00, 0x00, 0x00, 0x01, 0x00, 0xfd, 0xff, 0x39, 0x00, 0x02, 0x44, 0x00, 0x00, 0x00, 0x01,
    0x00, 0xfd, 0xff, 0x39, 0x00, 0x02, 0x45, 0x00, 0x00, 0x00, 0x01, 0x00, 0x41, 0x42, 0x39, 0x00, 0x02,
    0x26, 0x94, 0x73, 0x5a,
];

fn encoding(name: &str) -> ReadOptions {
    ReadOptions { encoding: Some(name.to_owned()), ..ReadOptions::default() }
}

#[test]
fn zstd_frames_follow_one_another() {
    let folder = Folder::new();
    let path = folder.write("t.csv", TWO_FRAMES);
    assert_eq!(cells(&read(&path).unwrap()), [["1", "2"], ["3", "4"]]);
    let dataset = read(&folder.write("many.csv.zst", MANY_BLOCKS)).unwrap();
    assert_eq!((dataset.rows(), table(&dataset).line(199_999)), (200_000, Some(200_001)));
    let summary = table(&dataset).columns()[0].summary();
    let numbers = summary.numbers.unwrap();
    assert_eq!((summary.distinct, numbers.minimum, numbers.maximum), (1, 17.0, 17.0));
    assert_eq!(table(&dataset).columns()[1].summary().frequent, [("x".to_owned(), 200_000)]);
}

#[test]
fn damaged_zstd_is_refused() {
    let folder = Folder::new();
    // A 2 that became a 3, so that only the checksum tells.
    let mut flipped = TWO_FRAMES;
    assert_eq!(flipped[15], b'2');
    flipped[15] = b'3';
    assert_error(read(&folder.write("t.zst", flipped)), &["cannot read", "t.zst", "checksum"]);
    assert_error(read(&folder.write("t.zst", &MANY_BLOCKS[..60])), &["cannot read", "t.zst"]);
    assert_error(
        read(&folder.write("t.zst", [&TWO_FRAMES[..], b"rest"].concat())),
        &["cannot read", "t.zst"],
    );
}

#[test]
fn gzip_members_follow_one_another() {
    let folder = Folder::new();
    let bytes = [gzip(b"a,b\n1,2\n"), gzip(b"3,4\n5,\"6"), gzip(b"\"\n")].concat();
    assert_eq!(cells(&read(&folder.write("t.csv.gz", bytes)).unwrap()), [["1", "2"], ["3", "4"], ["5", "6"]]);
}

#[test]
fn utf16_is_found_with_its_mark_and_without() {
    let text = "name,größe\nAda,1.5\nЭва,2.5\n\"x\ny\",3.5\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let bytes = |big: bool, mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        mark.into_iter().chain(units.iter().copied()).flat_map(bytes).collect()
    };
    let expected = [["Ada", "1.5"], ["Эва", "2.5"], ["x\ny", "3.5"]];
    let check = |dataset: Dataset, what: &str| {
        assert_eq!(table(&dataset).header(), ["name", "größe"], "{what}");
        assert_eq!(cells(&dataset), expected, "{what}");
        assert_eq!(table(&dataset).line(2), Some(4), "{what}");
    };
    for (big, mark) in [(false, false), (false, true), (true, false), (true, true)] {
        let bytes = bytes(big, mark);
        check(csv_with(&bytes, &ReadOptions::default()).unwrap(), "found");
        let given = if big { "utf-16be" } else { "utf-16le" };
        check(csv_with(&bytes, &encoding(given)).unwrap(), given);
        if mark {
            // The mark says which of the two `utf-16` is, and outdoes a wrong name.
            check(csv_with(&bytes, &encoding("utf-16")).unwrap(), "utf-16");
            check(csv_with(&bytes, &encoding("latin1")).unwrap(), "latin1");
        }
    }
    // Half a character at the end, and half a surrogate.
    let mut cut = bytes(false, true);
    cut.pop();
    assert_error(csv_with(&cut, &ReadOptions::default()), &["t.csv", "UTF-16LE", "--encoding"]);
    let mut torn = bytes(false, true);
    torn.extend([0x3d, 0xd8, b'\n', 0]);
    assert_error(csv_with(&torn, &ReadOptions::default()), &["t.csv", "UTF-16LE"]);
}

#[test]
fn characters_that_reads_tear_are_whole() {
    // More than the 256 KiB that are decoded at a time, with characters of 2 and 4 bytes at all places.
    let mut text = "a;b\n".to_owned();
    let rows = 60_000;
    (0..rows).for_each(|row| text.push_str(&format!("{}é😀;{row}\n", "x".repeat(row % 3))));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = Folder::new();
    let dataset = read_with(&folder.write("t.csv", &utf16), &encoding("utf-16")).unwrap();
    assert_eq!(dataset.rows(), rows);
    let column = &table(&dataset).columns()[0];
    assert!((0..rows).all(|row| column.text(row).unwrap() == format!("{}é😀", "x".repeat(row % 3))));
}

#[test]
fn latin1_by_its_names() {
    for name in ["latin1", "latin-1", "Latin_1", "iso-8859-1", "windows-1252", "cp1252"] {
        let dataset = csv_with(b"stadt,y\nK\xf6ln,\x80\n", &encoding(name)).unwrap();
        assert_eq!(cells(&dataset), [["Köln", "€"]], "{name}");
    }
    let cyrillic = csv_with(b"x,y\n\xcc\xee\xf1\xea\xe2\xe0,1\n", &encoding("windows-1251")).unwrap();
    assert_eq!(cells(&cyrillic)[0][0], "Москва");
    assert_error(csv_with("a\n1\n", &encoding("latin-99")), &["--encoding latin-99", "expected utf-8"]);
    assert_error(csv_with(b"a\n\xff\n", &encoding("utf-8")), &["t.csv, line 2, column 'a'", "UTF-8"]);
}

#[test]
fn other_formats_are_named() {
    for (bytes, kind) in [
        (&b"PK\x03\x04rest"[..], "Excel workbook"),
        (b"PAR1rest", "Parquet"),
        (b"\x89PNG\r\n", "a picture"),
        (b"%PDF-1.4", "a PDF"),
    ] {
        assert_error(csv_with(bytes, &ReadOptions::default()), &["t.csv is", kind, "export it as CSV"]);
    }
}
