//! A step as a file: its document, and every value of its trace, which are verified when it is opened again.

use std::collections::HashSet;

use chainrule::trace::ValueId;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::limits;
use crate::num::Num;
use crate::refusal::Refusal;
use crate::shared_document::SharedDocument;
use crate::step::Step;

/// Differences that are listed.
const LISTED: usize = 8;

/// A step with every number of its trace, in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ trace_format: 1, [field: string]: unknown }"))]
#[serde(deny_unknown_fields)]
pub struct TraceFile {
    trace_format: u32,
    /// The program that computed it.
    program: String,
    document: SharedDocument,
    values: Vec<WrittenValue>,
}

/// A value of the trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenValue {
    name: ValueId,
    shape: Vec<usize>,
    /// Row by row.
    values: Vec<Num>,
}

/// How the numbers of a file compare with those that are computed here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Verified {
    /// Numbers compared.
    numbers: usize,
    /// Numbers that are not the same, bit for bit.
    different: usize,
    /// The first of them.
    differences: Vec<Difference>,
    /// The same in words.
    sentence: String,
}

/// A number that a file has in another way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Difference {
    #[cfg_attr(test, ts(type = "string"))]
    name: ValueId,
    /// From 0; 0 in a vector.
    row: usize,
    /// From 0.
    column: usize,
    /// In the file; none where it has no such number.
    in_file: Option<Num>,
    /// As it is computed here.
    computed: Num,
}

const FORMAT: u32 = 1;
const PROGRAM: &str = concat!("chainrule ", env!("CARGO_PKG_VERSION"));

impl TraceFile {
    /// The file of a document and its step.
    ///
    /// # Errors
    /// For more than a million numbers that it starts from, and weights that are not finite.
    pub fn of(document: &Document, step: &Step) -> Result<TraceFile, Refusal> {
        let values = step.trace.values().map(|value| WrittenValue {
            name: value.id,
            shape: value.shape.clone(),
            values: value.values.iter().map(|&number| Num(number)).collect(),
        });
        Ok(TraceFile {
            trace_format: FORMAT,
            program: PROGRAM.to_owned(),
            document: SharedDocument::for_file(document)?,
            values: values.collect(),
        })
    }

    /// The document, checked, and what its numbers are to be compared with.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn open(self) -> Result<(Document, Claimed), Refusal> {
        if self.trace_format != FORMAT {
            let reason =
                format!("trace format {}; this program reads trace format {FORMAT}", self.trace_format);
            return Err(Refusal::Invalid(reason));
        }
        let numbers = self.values.iter().map(|value| value.values.len()).sum();
        limits::at_most("numbers of a trace", numbers, limits::TRACE_NUMBERS)?;
        let mut names = HashSet::new();
        for WrittenValue { name, shape, values } in &self.values {
            let count = shape.iter().try_fold(1, |count: usize, &side| count.checked_mul(side));
            if count != Some(values.len()) {
                let (shape, found) = (format!("{shape:?}"), values.len());
                return Err(Refusal::Invalid(format!("{name}: {found} numbers for the shape {shape}")));
            }
            if !names.insert(*name) {
                return Err(Refusal::Invalid(format!("{name} is in the file twice")));
            }
        }
        let document = self.document.open_within(limits::FILE_NUMBERS)?;
        Ok((document, Claimed { program: self.program, values: self.values }))
    }
}

/// The numbers that a file claims a step to have.
#[derive(Debug)]
pub struct Claimed {
    program: String,
    values: Vec<WrittenValue>,
}

impl Claimed {
    /// Compares them with the step's, bit for bit.
    pub fn verify(&self, step: &Step) -> Verified {
        let (mut numbers, mut different, mut differences) = (0, 0, Vec::new());
        for value in step.trace.values() {
            let claimed =
                self.values.iter().find(|claimed| claimed.name == value.id && claimed.shape == value.shape);
            let columns = value.shape.last().copied().unwrap_or(1).max(1);
            for (index, &computed) in value.values.iter().enumerate() {
                let in_file = claimed.and_then(|claimed| claimed.values.get(index)).copied();
                numbers += 1;
                let is_same = |number: Num| {
                    number.0.to_bits() == computed.to_bits() || (number.0.is_nan() && computed.is_nan())
                };
                if in_file.is_some_and(is_same) {
                    continue;
                }
                different += 1;
                if differences.len() < LISTED {
                    let (row, column) = (index / columns, index % columns);
                    let computed = Num(computed);
                    differences.push(Difference { name: value.id, row, column, in_file, computed });
                }
            }
        }
        let known = |claimed: &&WrittenValue| step.trace.value(claimed.name).is_none();
        let unknown: Vec<String> =
            self.values.iter().filter(known).map(|claimed| claimed.name.to_string()).collect();
        let mut sentence = match different {
            0 if !unknown.is_empty() => format!("All {numbers} numbers of the step are in the file."),
            0 => format!("All {numbers} numbers of the file are those that are computed here, bit for bit."),
            1 => format!("1 of {numbers} numbers is not the one that is computed here."),
            _ => format!("{different} of {numbers} numbers are not those that are computed here."),
        };
        if !unknown.is_empty() {
            sentence += &format!(" But the step has no {}.", unknown.join(", "));
        }
        if self.program != PROGRAM {
            let program: String = self.program.chars().take(60).collect();
            sentence += &format!(" The file is of {program}; this is {PROGRAM}.");
        }
        Verified { numbers, different: different + unknown.len(), differences, sentence }
    }
}
