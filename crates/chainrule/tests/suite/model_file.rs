//! The model file: PyTorch's own outputs from a file that PyTorch wrote, a round trip without loss, and errors for
//! everything that is not a model.

use std::path::{Path, PathBuf};

use crate::common::*;
use chainrule::layer::{Dense, Layer};
use chainrule::*;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tempfile::TempDir;

fn oracle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracle").join(name)
}

/// Predictions of the model that PyTorch wrote, next to PyTorch's.
fn distance_to_pytorch<T: Scalar>() -> f64 {
    let expected: Value =
        serde_json::from_slice(&std::fs::read(oracle("from_pytorch.json")).unwrap()).unwrap();
    let numbers = |key: &str| -> Vec<Vec<f64>> { serde_json::from_value(expected[key].clone()).unwrap() };
    let (inputs, outputs) = (numbers("inputs"), numbers("outputs"));
    let model = Model::<T>::load(&oracle("from_pytorch.safetensors")).unwrap();
    let columns = inputs[0].len();
    let inputs = Matrix::from_vec(inputs.len(), columns, inputs.concat()).unwrap().cast::<T>();
    let found = infer(&Threads::single(), &model.network, &model.parameters, inputs.view()).unwrap();
    assert_eq!((found.rows(), found.columns()), (outputs.len(), outputs[0].len()));
    distance(found.as_slice(), &outputs.concat())
}

#[test]
fn a_file_from_pytorch_gives_pytorchs_outputs() {
    // PyTorch computed in f32.
    for error in [distance_to_pytorch::<f64>(), distance_to_pytorch::<f32>()] {
        assert!(error < 5e-7, "{error:e}");
    }
}

/// A model with all that can be in one: dropout between layers, a layer without bias, parameters of activation and loss.
fn model() -> Model<f32> {
    let network = Network::builder(3)
        .dense(5, Activation::LeakyRelu { negative_slope: 0.2 })
        .dropout(0.25)
        .layer(Layer::Dense(Dense { width: 4, activation: Activation::GeluTanh, bias: false }))
        .dense(2, Activation::Softmax)
        .build()
        .unwrap();
    let parameters = Numbers::new(5).parameters(&network).cast();
    let loss = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![0.1 + 0.2, 2.0]) };
    let preprocessing = Some(json!({ "mean": 0.1 + 0.2, "names": ["å", "\"", "\n"] }));
    Model { network, loss, parameters, preprocessing, training: Some(json!({ "epochs": 3 })) }
}

/// The bytes of a model file, in parts.
struct Parts {
    header: Value,
    tensors: Vec<u8>,
}

impl Parts {
    fn of(model: &Model<f32>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        Parts { header: serde_json::from_slice(&bytes[8..end]).unwrap(), tensors: bytes[end..].to_vec() }
    }

    /// Changes the description in the metadata.
    fn describe(&mut self, change: impl FnOnce(&mut Value)) {
        let text = self.header["__metadata__"]["chainrule"].as_str().unwrap();
        let mut description = serde_json::from_str(text).unwrap();
        change(&mut description);
        self.header["__metadata__"]["chainrule"] = json!(description.to_string());
    }

    fn bytes(&self) -> Vec<u8> {
        let header = self.header.to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(&self.tensors);
        bytes
    }
}

/// A folder to load damaged files from.
struct Refusals {
    folder: TempDir,
}

impl Refusals {
    fn new() -> Self {
        Refusals { folder: TempDir::new().unwrap() }
    }

    fn load(&self, bytes: &[u8]) -> Result<Model<f32>> {
        let path = self.folder.path().join("damaged.safetensors");
        std::fs::write(&path, bytes).unwrap();
        Model::load(&path)
    }

    /// Holds that these bytes are refused, with the file's name and these words.
    fn expect(&self, what: &str, bytes: &[u8], words: &[&str]) {
        let message = self.load(bytes).expect_err(what).to_string();
        assert!(message.contains("damaged.safetensors"), "{what}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{what}: {words:?} are not in: {message}");
    }
}

#[test]
fn what_is_saved_is_loaded_bit_for_bit() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = model();
    model.save(&path).unwrap();
    let loaded = Model::<f32>::load(&path).unwrap();
    assert_same_parameters("parameters", &loaded.parameters, &model.parameters);
    assert_eq!(loaded, model);
    // f64 holds every f32.
    assert_same_parameters(
        "in f64",
        &Model::<f64>::load(&path).unwrap().parameters,
        &model.parameters.cast(),
    );
    let wide = Model::<f64> { parameters: Numbers::new(6).parameters(&model.network), ..model.cast() };
    wide.save(&path).unwrap();
    assert_eq!(Model::<f64>::load(&path).unwrap(), wide);
    assert_same_parameters(
        "rounded",
        &Model::<f32>::load(&path).unwrap().parameters,
        &wide.parameters.cast(),
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside the file");
}

#[test]
fn tensors_have_the_names_and_shapes_of_the_dense_layers() {
    let bytes = Parts::of(&model()).bytes();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut found: Vec<(String, Vec<usize>)> =
        file.tensors().into_iter().map(|(name, view)| (name, view.shape().to_vec())).collect();
    found.sort();
    let expected = [
        ("layers.0.bias", vec![5]),
        ("layers.0.weight", vec![5, 3]),
        ("layers.1.weight", vec![4, 5]),
        ("layers.2.bias", vec![2]),
        ("layers.2.weight", vec![2, 4]),
    ];
    assert_eq!(found, expected.map(|(name, shape)| (name.to_owned(), shape)));
    assert!(file.tensors().iter().all(|(_, view)| view.dtype() == Dtype::F32));
    let weight = file.tensor("layers.0.weight").unwrap();
    let model = model();
    let values = model.parameters.tensor(&model.parameters.tensors()[0]).to_vec();
    assert_eq!(weight.data()[..4], values[0].to_le_bytes(), "row-major, little-endian");
    assert_eq!(weight.data()[4 * 3..4 * 4], values[3].to_le_bytes());
}

#[test]
fn files_that_are_cut_off_or_no_model_are_refused() {
    let refusals = Refusals::new();
    let whole = Parts::of(&model()).bytes();
    assert!(refusals.load(&whole).is_ok());
    for length in 0..whole.len() {
        refusals.expect(&format!("{length} bytes"), &whole[..length], &[]);
    }
    refusals.expect("longer", &[&whole[..], &[0; 4]].concat(), &[]);
    refusals.expect("a huge header", &[&(1u64 << 60).to_le_bytes()[..], &whole[8..]].concat(), &[]);
    refusals.expect("no safetensors file", b"x,y\n1,2\n3,4\n5,6\n7,8\n", &[]);
    let missing = refusals.folder.path().join("nothing");
    assert!(Model::<f32>::load(&missing).unwrap_err().to_string().contains("nothing"));

    let mut plain = Parts::of(&model());
    plain.header.as_object_mut().unwrap().remove("__metadata__");
    refusals.expect("no metadata", &plain.bytes(), &["\"chainrule\"", "metadata"]);
    let mut text = Parts::of(&model());
    text.header["__metadata__"]["chainrule"] = json!("hello");
    refusals.expect("no JSON", &text.bytes(), &["\"chainrule\"", "not valid"]);
}

#[test]
fn descriptions_that_contradict_themselves_or_the_tensors_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &[&str]); 15] = [
        ("no format", |d| drop(d.as_object_mut().unwrap().remove("format")), &["format"]),
        ("another format", |d| d["format"] = json!(2), &["format 2"]),
        ("an unknown field", |d| d["colour"] = json!(1), &["colour"]),
        ("an unknown field of the network", |d| d["network"]["width"] = json!(1), &["width"]),
        ("an unknown field of a layer", |d| d["network"]["layers"][0]["dense"]["x"] = json!(1), &["`x`"]),
        ("an unknown layer", |d| d["network"]["layers"][0] = json!({ "conv": {} }), &["conv", "dense"]),
        (
            "an unknown activation",
            |d| d["network"]["layers"][0]["dense"]["activation"] = json!("rel"),
            &["rel", "relu"],
        ),
        ("an unknown loss", |d| d["loss"] = json!("mse"), &["mse", "mean_squared_error"]),
        ("no layers", |d| d["network"]["layers"] = json!([]), &["at least one layer"]),
        ("no width", |d| d["network"]["layers"][0]["dense"]["width"] = json!(0), &["layer 1"]),
        ("a huge width", |d| d["network"]["layers"][0]["dense"]["width"] = json!(1u64 << 61), &["too large"]),
        (
            "a large width",
            |d| d["network"]["layers"][0]["dense"]["width"] = json!(1u64 << 40),
            &["layers.0.weight"],
        ),
        (
            "a dropout rate of 1",
            |d| d["network"]["layers"][1]["dropout"]["rate"] = json!(1.0),
            &["layer 2", "rate"],
        ),
        (
            "class weights for other classes",
            |d| d["loss"]["cross_entropy"]["class_weights"] = json!([1.0]),
            &["class"],
        ),
        (
            "a layer too many",
            |d| {
                let layers = d["network"]["layers"].as_array_mut().unwrap();
                layers.insert(3, layers[2].clone());
            },
            &["layers.2.weight"],
        ),
    ];
    let refusals = Refusals::new();
    for (what, change, words) in cases {
        let mut parts = Parts::of(&model());
        parts.describe(change);
        refusals.expect(what, &parts.bytes(), words);
    }
    let mut parts = Parts::of(&model());
    parts.describe(|d| {
        d["network"]["layers"].as_array_mut().unwrap().remove(2);
    });
    refusals.expect("a layer too few", &parts.bytes(), &["layers.1.weight"]);
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let refusals = Refusals::new();
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of(&model());
        change(&mut parts);
        parts.bytes()
    };
    let renamed = with(&|parts| {
        let header = parts.header.as_object_mut().unwrap();
        let tensor = header.remove("layers.2.bias").unwrap();
        header.insert("layers.2.b".to_owned(), tensor);
    });
    refusals.expect("renamed", &renamed, &["layers.2.bias", "layers.2.b"]);
    let extra = with(&|parts| {
        let end = parts.tensors.len();
        parts.tensors.extend([0; 4]);
        parts.header["scale"] = json!({ "dtype": "F32", "shape": [1], "data_offsets": [end, end + 4] });
    });
    refusals.expect("extra", &extra, &["scale"]);
    let turned = with(&|parts| parts.header["layers.0.weight"]["shape"] = json!([3, 5]));
    refusals.expect("turned", &turned, &["layers.0.weight", "[3, 5]", "[5, 3]"]);
    let vector = with(&|parts| parts.header["layers.0.bias"]["shape"] = json!([5, 1]));
    refusals.expect("a bias as a matrix", &vector, &["layers.0.bias", "[5, 1]", "[5]"]);
    let integers = with(&|parts| parts.header["layers.0.bias"]["dtype"] = json!("I32"));
    refusals.expect("integers", &integers, &["layers.0.bias", "I32", "F32"]);
    let beyond = with(&|parts| parts.header["layers.0.bias"]["data_offsets"] = json!([0, 1u64 << 50]));
    refusals.expect("beyond the file", &beyond, &[]);
    for (value, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let wrong = with(&|parts| parts.tensors[4..8].copy_from_slice(&value.to_le_bytes()));
        refusals.expect("not finite", &wrong, &["layers.0", "number 1", shown]);
    }
}

#[test]
fn damage_anywhere_in_the_header_never_panics() {
    let refusals = Refusals::new();
    let whole = Parts::of(&model()).bytes();
    let end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut numbers = Numbers::new(9);
    let mut refused = 0;
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        bytes[numbers.below(end)] = numbers.below(256) as u8;
        refused += usize::from(refusals.load(&bytes).is_err());
    }
    assert!(refused > 1000, "{refused} of 2000");
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    assert!(model().save(&folder.path().join("nowhere/model")).is_err());
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(model().save(&folder.path().join("folder")).is_err());
    let path = folder.path().join("model");
    std::fs::write(&path, "an earlier file").unwrap();
    // Parameters of another network are refused before anything is written.
    let other = Network::builder(2).dense(2, Activation::Softmax).build().unwrap();
    let wrong = Model { parameters: other.initialize(0), ..model() };
    assert!(wrong.save(&path).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"an earlier file");
    model().save(&path).unwrap();
    assert_eq!(Model::<f32>::load(&path).unwrap(), model());
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["folder", "model"]);
}

/// A file that is none is known by its beginning. These say that they have a tebibyte, which nobody can read.
#[test]
fn large_files_that_are_no_models_are_refused_unread() {
    let refusals = Refusals::new();
    let path = refusals.folder.path().join("large.safetensors");
    let load = |beginning: &[u8]| {
        std::fs::write(&path, beginning).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        Model::<f32>::load(&path).unwrap_err().to_string()
    };
    let with_header = |header: Value| {
        let text = header.to_string();
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    };
    let tensor = |end: u64| json!({ "dtype": "U8", "shape": [end], "data_offsets": [0, end] });
    let whole = Parts::of(&model()).bytes();
    // As long as it is with the right number.
    let others = with_header(json!({ "w": tensor((1 << 40) - 1) })).len() as u64;
    for (what, beginning, words) in [
        ("zeros", vec![], &["large.safetensors", "header", "1099511627776 bytes"][..]),
        ("a table", b"x,y\n1,2\n3,4\n5,6\n7,8\n".to_vec(), &["promise a header of"]),
        (
            "a header of 100 MB and more",
            100_000_001u64.to_le_bytes().to_vec(),
            &["promise a header of 100000001"],
        ),
        ("a model with more behind it", whole, &["its header promises"]),
        (
            "another's tensors",
            with_header(json!({ "w": tensor((1 << 40) - others) })),
            &["\"chainrule\"", "metadata"],
        ),
    ] {
        let message = load(&beginning);
        assert!(words.iter().all(|word| message.contains(word)), "{what}: {message}");
    }
}

/// What has no end is not begun.
#[test]
fn what_is_no_file_is_refused() {
    let folder = TempDir::new().unwrap();
    assert!(Model::<f32>::load(folder.path()).is_err());
    if cfg!(unix) {
        let message = Model::<f32>::load("/dev/zero".as_ref()).unwrap_err().to_string();
        assert!(message.contains("not a complete safetensors file"), "{message}");
    }
}
