//! CSV files: what is accepted, and how bad ones are refused.

use crate::folder::{
    Folder, assert_error, cells, codes, column, csv, fit_rows, gzip, numbers, read_csv, table,
};
use chainrule_data::{ColumnType, ReadOptions, read, read_with};

#[test]
fn a_plain_file() {
    let dataset = csv("age,city\n31,Oslo\n 42 ,\" Bergen \"\n");
    let table = table(&dataset);
    assert_eq!(table.header(), ["age", "city"]);
    assert_eq!(cells(&dataset), [["31", "Oslo"], ["42", "Bergen"]]);
    assert_eq!((table.line(0), table.line(1)), (Some(2), Some(3)));
    assert_eq!(numbers(&dataset, "age"), [Some(31.0), Some(42.0)]);
    assert_eq!(table.columns()[1].kind(), ColumnType::Category);
    assert_eq!(dataset.description, "2 rows of 2 columns");
    assert_eq!(dataset.test_rows, None);
}

#[test]
fn blank_lines_of_a_single_column_are_told() {
    let dataset = csv("x\n1\n\n3\n");
    assert_eq!(numbers(&dataset, "x"), [Some(1.0), Some(3.0)]);
    assert_eq!(codes(&dataset.notes), ["blank_lines"]);
    // In small blocks they may stand at the end of one.
    let folder = Folder::new();
    let path = folder.write("x.csv", "x\r\n1\r\n2\r\n\r\n\r\n4\r\n");
    for block in [1, 3, 5, 8, 64] {
        let dataset = read_with(&path, &ReadOptions { block, ..ReadOptions::default() }).unwrap();
        assert_eq!(codes(&dataset.notes), ["blank_lines"], "blocks of {block} bytes");
    }
    for text in [
        // At the end they are no rows in any file, and with two columns they cannot be mistaken for missing values.
        "x\n1\n2\n3\n\n",
        "x\r\n1\r\n2\r\n",
        "x,y\n1,a\n\n3,b\n",
        "x\n1\n\"\"\n3\n",
        // What else makes a row take several lines is not blank.
        "x\n\"a\n\nb\"\nc\nd\n",
    ] {
        assert!(
            csv(text).notes.iter().all(|note| note.code != "blank_lines"),
            "{text:?}: {:?}",
            csv(text).notes
        );
    }
    let commented = ReadOptions { comment: Some(b'#'), ..ReadOptions::default() };
    let dataset = read_with(&folder.write("c.csv", "x\n1\n# two\n2\n3\n"), &commented).unwrap();
    assert!(dataset.notes.is_empty(), "{:?}", dataset.notes);
}

#[test]
fn byte_order_mark_semicolon_tab_and_gzip() {
    let expected = [["1", "2,5"]];
    assert_eq!(cells(&csv("\u{feff}a;b\n1;2,5\n")), expected);
    assert_eq!(table(&csv("\u{feff}a;b\n1;2,5\n")).header(), ["a", "b"]);
    assert_eq!(cells(&csv("a\tb\n1\t2,5\n")), expected);
    assert_eq!(cells(&csv("a,b\n1,\"2,5\"\n")), expected);
    // Semicolons in quotes are no separators.
    assert_eq!(table(&csv("\"a;;;\",b\n1,2\n")).header(), ["a;;;", "b"]);
    let folder = Folder::new();
    let path = folder.write("named-without-gz.csv", gzip(b"a,b\n1,\"2,5\"\n"));
    assert_eq!(cells(&read(&path).unwrap()), expected);
}

#[test]
fn lines_are_those_of_the_file() {
    let text = "\na,b\n\n1,\"x\ny\r\nz\"\n\n  \n2,u\n3,v";
    for (text, line_end) in [
        (text.to_owned(), "LF"),
        (text.replace("\r\n", "\n").replace('\n', "\r\n"), "CRLF"),
        (text.replace("\r\n", "\n").replace('\n', "\r"), "CR"),
    ] {
        let dataset = csv(&text);
        let table = table(&dataset);
        let lines: Vec<u64> = (0..table.rows()).filter_map(|row| table.line(row)).collect();
        assert_eq!(lines, [4, 9, 10], "{line_end}");
        assert_eq!(cells(&dataset)[1], ["2", "u"]);
    }
}

#[test]
fn doubled_quotes_and_quotes_inside_a_field() {
    let dataset = csv("a,b\n\"say \"\"hi\"\"\",5\" pipe\n\"\",\"end\"\"\"");
    assert_eq!(cells(&dataset), [["say \"hi\"", "5\" pipe"], ["", "end\""]]);
}

#[test]
fn missing_cells_leave_a_column_numeric() {
    let dataset = csv("a,b,c\n1,,x\nNA,,NA\n?,null,y\nn/a,N/A,NULL\n2,,z\n");
    assert_eq!(numbers(&dataset, "a"), [Some(1.0), None, None, None, Some(2.0)]);
    let [b, c] = ["b", "c"].map(|name| column(&dataset, name));
    assert_eq!((b.kind(), b.missing()), (ColumnType::Empty, 5));
    assert_eq!((c.kind(), c.missing()), (ColumnType::Category, 2));
    assert_eq!((c.text(1), c.text(4).as_deref()), (None, Some("z")));
}

#[test]
fn a_last_line_without_line_end_and_one_column() {
    assert_eq!(cells(&csv("a\n1\n2")), [["1"], ["2"]]);
}

#[test]
fn a_missing_file() {
    let folder = Folder::new();
    let path = format!("{}/absent.csv", folder.path());
    assert_error(read(&path), &["no file or directory", "absent.csv"]);
    for nearly in ["digit", "Digits", "digtis"] {
        assert_error(read(nearly), &[nearly, "did you mean 'digits'"]);
    }
}

#[test]
fn an_empty_file_and_a_lonely_header() {
    for text in ["", "\n \n", "\u{feff}"] {
        assert_error(read_csv(text), &["t.csv is empty", "header line"]);
    }
    for text in ["a,b", "a,b\n\n \n"] {
        assert_error(read_csv(text), &["t.csv", "no rows"]);
    }
}

#[test]
fn headers_with_names_that_are_none() {
    assert_error(read_csv("a,b, a\n1,2,3\n"), &["t.csv, line 1", "columns 1 and 3", "'a'", "rename"]);
    let dataset = csv("\na, ,c\n1,2,3\n");
    assert_eq!(table(&dataset).header(), ["a", "column_2", "c"]);
    assert_eq!(codes(&dataset.notes), ["unnamed"]);
    // A name that is taken is not given again.
    let dataset = csv("column_2,,c\n1,2,3\n");
    assert_eq!(table(&dataset).header(), ["column_2", "column_2_", "c"]);
}

#[test]
fn ragged_rows() {
    for (row, advice) in [("u,v,w", "contains the separator ','"), ("1,2,3", "if its numbers have commas")] {
        assert_error(
            read_csv(format!("a,b\n\"1\n1\",2\n{row}\n")),
            &["t.csv, line 4", "expected 2 fields", "found 3", advice],
        );
    }
    assert_error(read_csv("a;b\r\n1;2\r\n3\r\n"), &["t.csv, line 3", "expected 2 fields", "found 1", "';'"]);
}

#[test]
fn a_quote_that_is_never_closed() {
    // In the last column the row would look complete; in the first it would look ragged.
    for text in ["a,b\n1,2\n3,\"4\n5,6\n", "a,b\n1,2\n\"3,4\n5,6\n"] {
        assert_error(read_csv(text), &["t.csv, line 3", "never closed"]);
    }
    assert_error(read_csv("a,\"b\n1,2\n"), &["t.csv, line 1", "never closed"]);
    assert_error(read_csv("\u{feff}\"a,b\n1,2\n"), &["t.csv, line 1", "never closed"]);
    assert_error(read_csv("a,b\n1,\"2\"\"\n"), &["t.csv, line 2", "never closed"]);
}

#[test]
fn bytes_that_are_not_utf8() {
    assert_error(
        read_csv(b"name,city\nAda,London\nEva,Troms\xf8\n"),
        &["t.csv, line 3, column 'city'", "UTF-8"],
    );
    assert_error(read_csv(b"name,st\xe4dt\n1,2\n"), &["t.csv, line 1, column '2'", "UTF-8"]);
}

#[test]
fn numbers_that_are_not_finite() {
    for (cell, shown) in [("inf", "'inf'"), ("-Infinity", "'-inf'"), ("1e999", "'inf'")] {
        let dataset = csv(&format!("a,b,y\n1,x,u\n\n{cell},y,v\n2,x,u\n"));
        assert_error(
            fit_rows(&dataset, None, None, true, &[0, 1]),
            &["t.csv, line 4, column 'a'", shown, "remove the row", "leave the cell empty"],
        );
    }
    for cell in ["nan", "NaN", "-nan"] {
        let dataset = csv(&format!("a,b\n1,x\n\n{cell},y\n"));
        assert_eq!(numbers(&dataset, "a"), [Some(1.0), None], "{cell}");
    }
    // Among texts they are missing as well.
    let dataset = csv("a,b\nnan,1\nOslo,1\n");
    assert_eq!((column(&dataset, "a").kind(), column(&dataset, "a").missing()), (ColumnType::Category, 1));
}

#[test]
fn damaged_gzip() {
    let mut bytes = gzip(b"a,b\n1,2\n3,4\n");
    bytes.truncate(bytes.len() - 9);
    assert_error(read_csv(bytes), &["cannot read", "t.csv"]);
}
