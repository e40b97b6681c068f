//! The PyTorch scripts that `oracle/run_scripts.py` runs: of every worked example, and of every loss with every output activation
//! that it takes, with the hidden activations in turn.

use std::sync::Arc;

use chainrule::{Activation, Loss};
use chainrule_explorer_core::{Document, EXAMPLES, Edit, apply, example, take_away::pytorch_script};
use serde_json::json;

/// Each script with its name.
pub(crate) fn scripts() -> Vec<(String, String)> {
    let examples = EXAMPLES.iter().map(|one| (one.id().to_owned(), example(one.id()).unwrap()));
    let of = |(name, document): (String, Arc<Document>)| {
        let script = pytorch_script(&document.step().unwrap(), &document.title).unwrap();
        (name, script)
    };
    examples.chain(variants()).map(of).collect()
}

fn variants() -> Vec<(String, Arc<Document>)> {
    let hidden: Vec<Activation> =
        Activation::ALL.iter().copied().filter(|&sigma| sigma != Activation::Softmax).collect();
    let smoothed = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![0.5, 2.0]) };
    let losses = Loss::all().into_iter().chain([smoothed]);
    let mut variants = Vec::new();
    for (number, loss) in losses.enumerate() {
        for (place, &output) in Activation::ALL.iter().enumerate() {
            let first = hidden[(number + place) % hidden.len()];
            let second = hidden[(number + 2 * place + 5) % hidden.len()];
            let layers = json!({ "kind": "layers", "layers": [
                { "width": 4, "activation": first, "bias": true },
                { "width": 3, "activation": second, "bias": false },
                { "width": 2, "activation": output, "bias": true },
            ] });
            let loss_edit = json!({ "kind": "loss", "loss": loss, "suit_output": false });
            let batch = json!({ "kind": "batch", "first": 0, "count": 3 });
            let edit = |document: Arc<Document>, edit: &serde_json::Value| {
                let edit: Edit = serde_json::from_value(edit.clone()).ok()?;
                Some(Arc::new(apply(&edit, &document).ok()?.0))
            };
            let start = Some(example("3-4-2").unwrap());
            // Some losses do not take some outputs.
            let document = [batch, layers, loss_edit]
                .iter()
                .fold(start, |document, change| edit(document?, change))
                .filter(|document| document.step().is_ok_and(|step| step.trace.loss().is_finite()));
            let name = format!("{}-{}-{}", loss.name(), output.name(), number);
            variants.extend(document.map(|document| (name, document)));
        }
    }
    variants
}

/// A hash of a script: FNV-1a, of 64 bits.
pub(crate) fn hash(script: &str) -> u64 {
    script
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
