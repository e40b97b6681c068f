//! What computes in a run of `bench`: the processor, its instruction set, and the threads.

use anyhow::Result;
use chainrule::{Threads, instructions};
use serde_json::{Value, json};

use crate::processor::processor;
use crate::report::counted;

/// What figures belong to.
pub(crate) struct Machine {
    processor: String,
    instructions: &'static str,
    threads: usize,
}

impl Machine {
    /// This machine.
    pub(crate) fn with(threads: &Threads) -> Result<Self> {
        let instructions = instructions()?.set.name();
        Ok(Machine { processor: processor(), instructions, threads: threads.count() })
    }

    /// In words: AMD EPYC (family 25, model 17), avx512, 2 threads.
    pub(crate) fn words(&self) -> String {
        format!("{}, {}, {}", self.processor, self.instructions, counted(self.threads, "thread"))
    }

    /// Adds all of it to a JSON object.
    pub(crate) fn add_to(&self, value: &mut Value) {
        value["processor"] = json!(self.processor);
        value["instructions"] = json!(self.instructions);
        value["threads"] = json!(self.threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_json_have_all_of_it() {
        let processor = "AMD EPYC (family 25, model 17)".to_owned();
        let machine = Machine { processor, instructions: "avx512", threads: 2 };
        assert_eq!(machine.words(), "AMD EPYC (family 25, model 17), avx512, 2 threads");
        let mut value = json!({});
        machine.add_to(&mut value);
        let expected =
            json!({ "processor": "AMD EPYC (family 25, model 17)", "instructions": "avx512", "threads": 2 });
        assert_eq!(value, expected);
    }
}
