//! The examples of docs/data.md: its files are written, its commands run, and what they print is what the page shows.

use crate::place::Place;

/// A fenced block: what follows the fence on its line, and the lines inside.
struct Block {
    kind: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(kind), false) => {
                blocks.push(Block { kind: kind.to_owned(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

/// The words of a command line, of which those in double quotes hold spaces.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn the_examples_of_the_page_on_data_print_what_it_shows() {
    let page = include_str!("../../../../docs/data.md");
    let place = Place::new();
    let mut run = 0;
    for block in blocks(page) {
        if let Some(name) = block.kind.strip_prefix("csv ") {
            place.write(name, block.text.as_bytes());
        }
        if block.kind != "console" {
            continue;
        }
        let (command, shown) = block.text.split_once('\n').unwrap();
        let arguments = words(command.strip_prefix("$ chainrule ").expect("a command"));
        let output = place.command("").args(arguments).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        // Notes come first, as on a terminal.
        let printed = [output.stderr, output.stdout].concat();
        let printed = String::from_utf8(printed).unwrap();
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&printed), trimmed(shown), "{command}");
        run += 1;
    }
    assert!(run >= 3, "{run} examples");
}
