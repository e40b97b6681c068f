//! Files of several blocks, wide ones, and long records: the same values and the right lines on any number of threads.

use crate::folder::{assert_error, column, csv_with, numbers, table};
use chainrule_data::{ColumnType, Dataset, ReadOptions};

fn threads(threads: usize) -> ReadOptions {
    ReadOptions { threads, ..ReadOptions::default() }
}

/// About 4 MiB of rows, every seventh on three lines; `change` sees each row's number and its text.
fn text(mut change: impl FnMut(usize, &mut String)) -> String {
    let mut text = String::from("number,word,note\n");
    for row in 0..ROWS {
        let note = if row % 7 == 0 { format!("\"first, {row}\n\nthird\"") } else { "-".repeat(row % 40) };
        let mut line = format!("{}.25,w{},{note}\n", row, row % 100);
        change(row, &mut line);
        text.push_str(&line);
    }
    text
}

const ROWS: usize = 120_000;

/// The line on which a row starts.
fn line_of(text: &str, start: &str) -> usize {
    let at = text.find(start).unwrap();
    1 + text[..at].matches('\n').count()
}

#[test]
fn values_and_lines_in_every_block() {
    let text = text(|_, _| {});
    assert!(text.len() > 3 << 20, "{}", text.len());
    let of = |dataset: &Dataset| -> (Vec<Option<f64>>, u64, u64) {
        let table = table(dataset);
        (numbers(dataset, "number"), table.line(50_001).unwrap(), table.line(ROWS - 1).unwrap())
    };
    let whole = of(&csv_with(&text, &threads(1)).unwrap());
    assert!(whole.0.iter().enumerate().all(|(row, cell)| *cell == Some(row as f64 + 0.25)));
    assert_eq!(whole.1 as usize, line_of(&text, "\n50001.25,") + 1);
    assert_eq!(whole.2 as usize, line_of(&text, &format!("\n{}.25,", ROWS - 1)) + 1);
    for options in [threads(2), threads(5), ReadOptions { block: 10_000, ..threads(3) }] {
        let dataset = csv_with(&text, &options).unwrap();
        assert_eq!(of(&dataset), whole, "{} threads", options.threads);
        let note = column(&dataset, "note");
        assert_eq!(
            note.text(ROWS - 4 - (ROWS - 4) % 7).unwrap(),
            format!("first, {}\n\nthird", ROWS - 4 - (ROWS - 4) % 7)
        );
        assert_eq!(column(&dataset, "word").kind(), ColumnType::Category);
    }
}

#[test]
fn errors_far_into_a_file_have_their_lines() {
    for wrong in [30, 60_001, ROWS - 3] {
        let start = format!("\n{wrong}.25,");
        let ragged = text(|row, line| {
            if row == wrong {
                line.insert_str(line.len() - 1, ",more")
            }
        });
        let unclosed = text(|row, line| {
            if row == wrong {
                line.insert(line.find(',').unwrap() + 1, '"')
            }
        });
        let line = line_of(&ragged, &start) + 1;
        let mut not_utf8 = text(|_, _| {}).into_bytes();
        let at = String::from_utf8_lossy(&not_utf8).find(&format!("{start}w")).unwrap() + start.len();
        not_utf8[at] = 0xff;
        for threads in [threads(1), threads(3)] {
            let place = format!("t.csv, line {line}");
            assert_error(csv_with(&ragged, &threads), &[&format!("{place}: expected 3 fields, but found 4")]);
            assert_error(csv_with(&not_utf8, &threads), &[&format!("{place}, column 'word'"), "UTF-8"]);
            // What the quote swallows reaches to the next quote, or to the end of the file.
            let result = csv_with(unclosed.replace("\"first", "first").replace("third\"", "third"), &threads);
            assert_error(result, &["t.csv, line"]);
        }
    }
    // Without other quotes behind it, the quote is named.
    let mut plain = String::from("number,word\n");
    (0..400_000).for_each(|row| plain.push_str(&format!("{row},w{}\n", row % 9)));
    let open = plain.replace("\n250000,w", "\n250000,\"w");
    for threads in [threads(1), threads(3)] {
        assert_error(csv_with(&open, &threads), &["t.csv, line 250002", "never closed"]);
    }
}

#[test]
fn the_first_of_several_errors_is_told() {
    let text = text(|row, line| {
        if row % 30_000 == 29_999 {
            line.insert_str(0, "1,")
        }
    });
    let line = line_of(&text, "\n1,29999.25,") + 1;
    for _ in 0..3 {
        assert_error(csv_with(&text, &threads(4)), &[&format!("t.csv, line {line}:")]);
    }
}

#[test]
fn six_thousand_columns() {
    let names: Vec<String> = (0..6001).map(|column| format!("gene_{column}")).collect();
    let mut text = names.join(",") + "\n";
    let value = |row: usize, column: usize| ((row * 6007 + column * 31) % 1000) as f64 / 8.0;
    for row in 0..90 {
        let cells: Vec<String> = (0..6001).map(|column| value(row, column).to_string()).collect();
        text += &(cells.join(",") + "\n");
    }
    for options in [threads(1), threads(3), ReadOptions { block: 100_000, ..threads(2) }] {
        let dataset = csv_with(&text, &options).unwrap();
        assert_eq!((dataset.rows(), table(&dataset).columns().len()), (90, 6001));
        for column in [0, 1, 63, 64, 3000, 6000] {
            let found = numbers(&dataset, &names[column]);
            assert!((0..90).all(|row| found[row] == Some(value(row, column))), "column {column}");
        }
    }
}

#[test]
fn a_header_longer_than_a_block() {
    let names: Vec<String> = (0..30_000).map(|column| format!("position_{column:040}")).collect();
    let row = vec!["1"; 30_000].join(",");
    let dataset = csv_with(format!("{}\n{row}\n{row}\n", names.join(",")), &threads(2)).unwrap();
    assert_eq!((dataset.rows(), table(&dataset).columns().len()), (2, 30_000));
    assert_eq!(table(&dataset).columns()[29_999].name(), names[29_999]);
}

#[test]
fn long_records() {
    let long = |row: usize| "lorem ipsum\n".repeat(30_000 + row);
    let mut text = String::from("id,text\n");
    (0..12).for_each(|row| text.push_str(&format!("{row}.5,\"{}\"\n", long(row))));
    for threads in [threads(1), threads(3)] {
        let dataset = csv_with(&text, &threads).unwrap();
        assert_eq!(
            numbers(&dataset, "id"),
            (0..12).map(|row| Some(f64::from(row) + 0.5)).collect::<Vec<_>>()
        );
        let texts = column(&dataset, "text");
        assert!((0..12).all(|row| texts.text(row).unwrap() == long(row).trim_end()));
        assert_eq!(table(&dataset).line(2), Some(2 + 30_001 + 30_002));
    }
}

/// Words among numbers make a column of texts; what the numbers were must not depend on where blocks end.
#[test]
fn cells_keep_their_texts_whatever_the_blocks() {
    let number = |row: usize| match row % 4 {
        0 => format!("{row}e2"),
        1 => format!("+{row}"),
        2 => format!(".{row}"),
        _ => format!("{row}"),
    };
    let word = |row: usize| format!("code {}", row % 7);
    let numbers = || (0..300).map(number);
    let words = || (0..300).map(word);
    let mixed = || (0..300).flat_map(|row| [number(row), word(row)]);
    for cells in [
        numbers().chain(words()).collect::<Vec<String>>(),
        words().chain(numbers()).collect(),
        words().chain(mixed()).chain(numbers()).collect(),
        mixed().collect(),
    ] {
        let mut text = String::from("code,y\n");
        cells.iter().for_each(|cell| text.push_str(&format!("{cell},1\n")));
        for block in [1, 100, 1000, 1 << 20] {
            let dataset = csv_with(&text, &ReadOptions { block, ..threads(2) }).unwrap();
            let codes = column(&dataset, "code");
            assert_ne!(codes.kind(), ColumnType::Number);
            for (row, cell) in cells.iter().enumerate() {
                assert_eq!(codes.text(row).unwrap(), *cell, "row {row}, blocks of {block}");
            }
        }
    }
}
