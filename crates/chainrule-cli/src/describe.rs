//! `chainrule describe`: what is in data, and what would be learned from them.

use std::process::ExitCode;

use anyhow::Result;
use chainrule_data::{ColumnSummary, ColumnType, Dataset, Features, Images, NumberSummary, Objective, Task};
use serde_json::{Value, json};

use crate::arguments::DescribeArguments;
use crate::reading::say_notes;
use crate::report::{counted, grouped, short, table};
use crate::terminal::{say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &DescribeArguments) -> Result<ExitCode> {
    let options = arguments.reading.options(arguments.common.threads)?;
    let dataset = arguments.reading.read(&arguments.data, &options)?;
    let mut notes = dataset.notes.clone();
    // A target that was asked for and cannot be learned is an error; one that was not is a remark.
    let was_asked = !arguments.target.is_empty() || arguments.task.is_some();
    let (objective, would) = match Objective::find(&dataset, &arguments.target, arguments.task, &mut notes) {
        Ok(objective) => {
            let would =
                would_learn(&dataset, &objective, !arguments.target.is_empty(), arguments.task.is_some());
            (Some(objective), would)
        }
        Err(error) if was_asked => return Err(error.into()),
        Err(error) => (None, format!("train would refuse: {error}")),
    };
    if let Some(table) = dataset.table() {
        let last = || table.columns().last().map(|column| column.name().to_owned()).into_iter().collect();
        let targets: Vec<String> =
            objective.as_ref().map_or_else(last, |objective| objective.target_names().to_vec());
        notes.extend(table.odd_words(&targets));
    }
    say_notes(&notes);
    let threads = arguments.common.thread_count();
    if arguments.common.json {
        let mut value = as_json(&dataset, objective.as_ref(), threads);
        value["notes"] = json!(notes);
        value["would"] = json!(would);
        say_json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("{}: {}", dataset.name, dataset.description))?;
    match &dataset.features {
        Features::Table(columns) => {
            let mut shown = table(&["column", "type", "missing", "distinct", "values", "spread"], 2);
            for index in [4, 5] {
                if let Some(column) = shown.column_mut(index) {
                    column.set_cell_alignment(comfy_table::CellAlignment::Left);
                }
            }
            for summary in columns.summaries(threads) {
                shown.add_row(vec![
                    plain(&summary.name),
                    summary.kind.name().to_owned(),
                    grouped((summary.missing + summary.odd) as u64),
                    grouped(summary.distinct as u64),
                    values(&summary),
                    summary.numbers.as_ref().map_or(String::new(), bars),
                ]);
            }
            say(shown)?;
        }
        Features::Images(images) => {
            for (label, count) in label_counts(images) {
                say(format!("{label:>8}: {}", counted(count, "image")))?;
            }
        }
    }
    say(would)?;
    Ok(ExitCode::SUCCESS)
}

/// What `train` would learn, and why.
fn would_learn(dataset: &Dataset, objective: &Objective, named: bool, given: bool) -> String {
    let names = objective.target_names();
    let which = match (dataset.table(), named) {
        (None, _) => "the labels".to_owned(),
        (Some(_), true) => "as named".to_owned(),
        (Some(table), false) => match table.columns().last().is_some_and(|last| last.name() == names[0]) {
            true => "the last column".to_owned(),
            false => "the last column that is not left out".to_owned(),
        },
    };
    let kind = |name: &String| dataset.table().and_then(|table| Some(table.column(name)?.kind()));
    let why = match (given, objective.task(), names.first().and_then(kind)) {
        (true, _, _) => "as --task says".to_owned(),
        (false, Task::Classification, Some(ColumnType::Number)) => {
            "few different whole numbers, each of which occurs often".to_owned()
        }
        (false, Task::Classification, Some(kind)) => format!("of the type {}", kind.name()),
        (false, Task::Classification, None) => "which are classes".to_owned(),
        (false, Task::Regression, _) => "numbers".to_owned(),
    };
    let what = match (objective.task(), names) {
        (Task::Classification, names) => {
            format!("{} classes of '{}'", grouped(objective.classes().len() as u64), names[0])
        }
        (Task::Regression, [name]) => format!("the number '{name}'"),
        (Task::Regression, names) => format!("the numbers '{}'", names.join("', '")),
    };
    format!("train would learn {what}: {which}, {why}")
}

/// What a column holds, in a few words.
fn values(summary: &ColumnSummary) -> String {
    if let Some((first, last)) = &summary.range {
        return format!("{} to {}", plain(first), plain(last));
    }
    match (&summary.numbers, summary.frequent.as_slice()) {
        (Some(numbers), []) => {
            format!("{} to {}, mean {}", short(numbers.minimum), short(numbers.maximum), short(numbers.mean))
        }
        (_, []) => String::new(),
        (_, frequent) => {
            let shown =
                |(text, count): &(String, usize)| format!("{} ({})", plain(text), grouped(*count as u64));
            let more = if summary.distinct > frequent.len() { ", ..." } else { "" };
            format!("{}{more}", frequent.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text of the data without control characters, cut where it is long.
fn plain(text: &str) -> String {
    const LONGEST: usize = 24;
    let mut plain: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > LONGEST {
        plain.push('…');
    }
    plain
}

/// A histogram of one line: the tallest bar is the fullest part, and a part with anything in it is seen.
fn bars(numbers: &NumberSummary) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.histogram.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &usize| match count {
        0 => ' ',
        count => BARS[(count * BARS.len()).div_ceil(most).clamp(1, BARS.len()) - 1],
    };
    numbers.histogram.iter().map(bar).collect()
}

fn label_counts(images: &Images) -> Vec<(i64, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for label in images.labels.iter().flatten() {
        *counts.entry(*label).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn as_json(dataset: &Dataset, objective: Option<&Objective>, threads: usize) -> Value {
    let mut value = json!({
        "data": dataset.name,
        "description": dataset.description,
        "rows": dataset.rows(),
    });
    match &dataset.features {
        Features::Table(table) => value["columns"] = json!(table.summaries(threads)),
        Features::Images(images) => {
            value["images"] = json!({
                "height": images.height,
                "width": images.width,
                "labels": label_counts(images).into_iter().map(|(label, count)| json!({ "label": label, "rows": count })).collect::<Vec<_>>(),
            });
        }
    }
    if let Some(objective) = objective {
        let task = match objective.task() {
            Task::Classification => "classification",
            Task::Regression => "regression",
        };
        value["task"] = json!(task);
        value["targets"] = json!(objective.target_names());
        value["classes"] = json!(objective.classes());
    }
    value
}
