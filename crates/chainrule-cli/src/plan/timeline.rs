//! A schedule in words: what runs, what is kept, what is dropped and what is recomputed.

use chainrule::checkpoint::Operation;
use chainrule::plan::MemoryPlan;

use crate::report::counted;

/// Lines of the list, at most; a longer one ends with how many more there are.
const LINES: usize = 40;

/// Layers in a line of the strip.
const STRIP: usize = 64;

/// How often each layer runs forward, as a strip, and the runs of operations, a line each.
pub(super) fn lines(plan: &MemoryPlan) -> Vec<String> {
    let mut lines = strip(plan);
    lines.push(String::new());
    let runs = runs(plan);
    let more = runs.len().saturating_sub(LINES);
    lines.extend(runs.into_iter().take(LINES));
    if more > 0 {
        lines.push(format!("... {} more; --json has them all", counted(more, "line")));
    }
    lines
}

/// A mark for each layer: how often its state is computed.
fn strip(plan: &MemoryPlan) -> Vec<String> {
    let depth = plan.model().chain().depth();
    let mut times = vec![0usize; depth];
    for operation in &plan.schedule().operations {
        if let Operation::Forward(l) = operation {
            times[l - 1] += 1;
        }
    }
    let mark = |times: &usize| match times {
        1 => '█',
        2..10 => char::from_digit(*times as u32, 10).unwrap_or('9'),
        _ => '+',
    };
    let marks: Vec<char> = times.iter().map(mark).collect();
    let mut lines = vec![
        "layers      █ computed once and kept; 2, 3, ... computed so often; + ten times or more".to_owned(),
    ];
    for (index, marks) in marks.chunks(STRIP).enumerate() {
        let first = plan.model().layer(index * STRIP + 1);
        lines.push(format!("{first:>10}  {}", marks.iter().collect::<String>()));
    }
    lines
}

/// Neighbouring operations of one kind as one line.
fn runs(plan: &MemoryPlan) -> Vec<String> {
    let layer = |l: usize| plan.model().layer(l);
    let depth = plan.model().chain().depth();
    let operations = &plan.schedule().operations;
    let mut computed = vec![false; depth + 1];
    let (mut lines, mut index) = (Vec::new(), 0);
    while index < operations.len() {
        match operations[index] {
            Operation::Forward(first) => {
                let (mut last, mut kept, mut dropped) = (first, vec![first], Vec::new());
                index += 1;
                while let Some(operation) = operations.get(index) {
                    match *operation {
                        Operation::Forward(l) if l == last + 1 => {
                            last = l;
                            kept.push(l);
                        }
                        // They are in order.
                        Operation::Drop(l) => match kept.binary_search(&l) {
                            Ok(place) => _ = kept.remove(place),
                            Err(_) => dropped.push(layer(l)),
                        },
                        _ => break,
                    }
                    index += 1;
                }
                let name = if computed[first] { "recompute" } else { "forward  " };
                (first..=last).for_each(|l| computed[l] = true);
                // The last layer's becomes the error.
                let kept: Vec<_> = kept.into_iter().filter(|&l| l < depth).map(layer).collect();
                let count = last - first + 1 - usize::from(last == depth);
                let keeps = match kept.len() {
                    all if all == count => "keeps all".to_owned(),
                    0 => "drops all".to_owned(),
                    _ => format!("keeps {}, drops the others", ranges(&kept)),
                };
                let drops = if dropped.is_empty() {
                    String::new()
                } else {
                    format!("; drops {} from before", ranges(&dropped))
                };
                lines.push(format!("{name} {:<10} {keeps}{drops}", range(layer(first), layer(last))));
            }
            Operation::Backward(first) => {
                let mut last = first;
                index += 1;
                while let Some(Operation::Backward(l)) = operations.get(index) {
                    last = *l;
                    index += 1;
                }
                lines.push(format!("backward  {}", range(layer(first), layer(last))));
            }
            Operation::Drop(l) => {
                lines.push(format!("drop      {}", layer(l)));
                index += 1;
            }
        }
    }
    lines
}

fn range(first: usize, last: usize) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// 1, 2, 3, 7 as 1-3, 7.
fn ranges(layers: &[usize]) -> String {
    let runs = layers.chunk_by(|a, b| a + 1 == *b).map(|run| range(run[0], run[run.len() - 1]));
    let text = runs.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none".to_owned() } else { text }
}
