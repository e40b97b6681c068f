//! The PyTorch scripts that `oracle/run_scripts.py` runs: of every worked example, and of every loss with every output activation
//! that it takes, with the hidden activations in turn, and of networks for tables.

use std::sync::Arc;

use chainrule::{Activation, Loss, Matrix, Network};
use chainrule_explorer_core::{Document, EXAMPLES, Edit, apply, example, take_away::pytorch_script};
use serde_json::json;

/// Each script with its name.
pub(crate) fn scripts() -> Vec<(String, String)> {
    let examples = EXAMPLES.iter().map(|one| (one.id().to_owned(), example(one.id()).unwrap()));
    let of = |(name, document): (String, Arc<Document>)| {
        let script = pytorch_script(&document.step().unwrap(), &document.title).unwrap();
        (name, script)
    };
    examples.chain(variants()).chain(tables()).map(of).collect()
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

/// Networks whose first layer is of columns, of every kind, with and without gaps, and whose activations are learned.
fn tables() -> [(String, Arc<Document>); 2] {
    let of = |name: &str, pieces: serde_json::Value, rows: &[[f64; 5]], activation: &str| {
        let network = json!({ "input_width": 5, "layers": [
            { "columns": { "pieces": pieces } },
            { "scale": {} },
            { "dense": { "width": 4, "activation": "identity", "bias": true } },
            { "learned_activation": { "activation": activation } },
            { "dense": { "width": 2, "activation": "identity", "bias": true } },
        ] });
        let network: Network = serde_json::from_value(network).unwrap();
        let mut document = Document::clone(&example("3-4-2").unwrap());
        // What starts from 0 or 1 is to count too.
        let mut parameters = network.initialize::<f64>(7);
        for (number, tensor) in network.tensors().to_vec().iter().enumerate() {
            let values: Vec<f64> =
                (0..tensor.count()).map(|k| ((3 * k + number) as f64).sin() / 2.0).collect();
            parameters.set_tensor(tensor, &values).unwrap();
        }
        document.parameters = Arc::new(parameters);
        document.initial = Arc::clone(&document.parameters);
        document.network = network;
        document.loss = Loss::MeanSquaredError;
        document.targets = Arc::new(Matrix::from_rows(&[[0.5, -1.0], [1.0, 0.25], [-0.5, 0.75]]));
        document.inputs = Arc::new(Matrix::from_rows(rows));
        (name.to_owned(), Arc::new(document))
    };
    let boundaries = json!([[-1.0, 0.0, 0.5, 1.5]]);
    let whole = json!([
        { "periodic": { "width": 2, "hidden": 3, "outputs": 2, "deviation": 0.5 } },
        { "as_is": { "width": 1 } },
        { "table": { "categories": 3, "outputs": 2 } },
        { "piecewise_linear": { "boundaries": boundaries, "outputs": 2 } },
    ]);
    let rows = [[0.5, -1.25, 2.0, 1.0, -1.5], [-0.75, 0.3, 0.0, 2.0, 0.2], [1.5, 0.8, -1.0, 3.0, 2.5]];
    let gaps = json!([
        { "periodic": { "width": 2, "hidden": 3, "outputs": 2, "deviation": 0.5, "missing": true } },
        { "as_is": { "width": 1, "missing": true } },
        { "table": { "categories": 3, "outputs": 2 } },
        { "piecewise_linear": { "boundaries": boundaries, "outputs": 2, "missing": true } },
    ]);
    let x = f64::NAN;
    let with_gaps = [[x, -1.25, 2.0, 1.0, x], [-0.75, x, x, 2.0, 0.2], [1.5, 0.8, -1.0, x, 2.5]];
    [of("columns-selu", whole, &rows, "selu"), of("columns-gaps-mish", gaps, &with_gaps, "mish")]
}

/// A hash of a script: FNV-1a, of 64 bits.
pub(crate) fn hash(script: &str) -> u64 {
    script
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
