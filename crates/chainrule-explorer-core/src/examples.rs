//! Worked examples: small networks whose numbers are worth following, each with a story.

use std::sync::{Arc, OnceLock};

use chainrule::{Activation, Loss, Matrix, Network, Parameters};
use chainrule_digits::{HEIGHT, MAXIMUM, ROWS, WIDTH, labels, pixels};
use serde::Serialize;

use crate::document::{Document, Image, Pool, SUITED};
use crate::refusal::Refusal;

/// The example that a page starts with.
pub const DEFAULT: &str = "3-4-2";

/// What a list of examples shows.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Example {
    id: &'static str,
    title: &'static str,
    summary: &'static str,
    #[serde(skip)]
    build: fn(&'static Example) -> Result<Document, Refusal>,
}

impl Example {
    /// What it is asked for by.
    pub fn id(&self) -> &'static str {
        self.id
    }
}

/// Every worked example, the default first.
pub const EXAMPLES: &[Example] = &[
    Example {
        id: "3-4-2",
        title: "Three inputs, four neurons, two classes",
        summary: "Small enough to check by hand, and no two widths are the same, so every transpose shows.",
        build: three_four_two,
    },
    Example {
        id: "mazur",
        title: "Matt Mazur's 2-2-2",
        summary: "The best-known example worked by hand on the web: every number can be compared with his \
                  (View shows more digits). His update leaves the biases as they are, and the loss becomes \
                  0.291028; here they move too, and it becomes 0.280471.",
        build: mazur,
    },
    Example {
        id: "xor",
        title: "XOR, the puzzle that needs a hidden layer",
        summary: "Four points that no straight line divides; two hidden neurons are enough to bend the line.",
        build: xor,
    },
    Example {
        id: "dead-relu",
        title: "A dead ReLU",
        summary: "One hidden neuron is off for every sample, so no error passes it and its weights never \
                  move again.",
        build: dead_relu,
    },
    Example {
        id: "saturated-sigmoid",
        title: "Sure of itself, and wrong",
        summary: "The answer is as wrong as can be and the loss is large, but the flat sigmoid lets almost \
                  no error through; change the loss to binary cross-entropy and see it learn.",
        build: saturated_sigmoid,
    },
    Example {
        id: "deep-10",
        title: "Ten layers of sigmoid",
        summary: "On its way back through ten sigmoids the error signal fades: watch delta shrink layer by \
                  layer.",
        build: deep_10,
    },
    Example {
        id: "digits",
        title: "Handwritten digits",
        summary: "Real images of 8 x 8 pixels: row i of the first layer's gradient is delta_i times the \
                  image.",
        build: digits,
    },
];

/// The example of that id; made once, and then shared.
///
/// # Errors
/// For an unknown id, with the list of all.
pub fn document(id: &str) -> Result<Arc<Document>, Refusal> {
    static MADE: [OnceLock<Result<Arc<Document>, Refusal>>; EXAMPLES.len()] =
        [const { OnceLock::new() }; EXAMPLES.len()];
    let Some(index) = EXAMPLES.iter().position(|example| example.id == id) else {
        let known: Vec<_> = EXAMPLES.iter().map(|example| example.id).collect();
        let shown: String = id.chars().take(60).collect();
        return Err(Refusal::Missing(format!("no example {shown:?}; there are {}", known.join(", "))));
    };
    let example = &EXAMPLES[index];
    MADE[index].get_or_init(|| Ok(Arc::new((example.build)(example)?))).clone()
}

/// What the examples have in common: a network with given or drawn weights, and a pool of rows.
struct Recipe<'a> {
    example: &'static Example,
    source: &'a str,
    network: Network,
    parameters: Option<Parameters<f64>>,
    loss: Loss,
    inputs: Matrix<f64>,
    targets: Matrix<f64>,
    samples: usize,
    learning_rate: f64,
    seed: u64,
}

impl Recipe<'_> {
    fn document(self) -> Result<Document, Refusal> {
        let parameters = match self.parameters {
            Some(parameters) => parameters,
            None => self.network.initialize(self.seed),
        };
        let parameters = Arc::new(parameters);
        let (inputs, targets) = (Arc::new(self.inputs), Arc::new(self.targets));
        let example = Some(self.example.id);
        let pool = Pool { inputs: Arc::clone(&inputs), targets: Arc::clone(&targets), example };
        let document = Document {
            title: self.example.title.to_owned(),
            source: self.source.to_owned(),
            network: self.network,
            initial: Arc::clone(&parameters),
            parameters,
            loss: self.loss,
            inputs,
            targets,
            learning_rate: self.learning_rate,
            iteration: 0,
            initialization: SUITED.to_owned(),
            seed: self.seed,
            pool,
            first_row: 0,
            input_names: None,
            output_names: None,
            image: None,
        };
        document.batch(0, self.samples)
    }
}

/// Parameters from the weight and the bias of each layer.
fn parameters(network: &Network, layers: &[(&[f64], &[f64])]) -> Result<Option<Parameters<f64>>, Refusal> {
    let mut parameters = network.zeros();
    for (index, (weight, bias)) in layers.iter().enumerate() {
        let (n_in, n_out) = (network.width(index), network.width(index + 1));
        parameters.set(index + 1, &Matrix::from_vec(n_out, n_in, weight.to_vec())?, bias)?;
    }
    Ok(Some(parameters))
}

fn three_four_two(example: &'static Example) -> Result<Document, Refusal> {
    let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Softmax).build()?;
    #[rustfmt::skip]
    let layers: [(&[f64], &[f64]); 2] = [
        (&[ 0.42, -0.31,  0.18,
           -0.57,  0.26,  0.63,
            0.15,  0.74, -0.48,
           -0.22, -0.65,  0.37],
         &[0.11, -0.08, 0.05, 0.14]),
        (&[ 0.58, -0.43,  0.29, -0.71,
           -0.36,  0.67, -0.52,  0.24],
         &[0.09, -0.12]),
    ];
    let parameters = parameters(&network, &layers)?;
    let recipe = Recipe {
        example,
        source: "six rows chosen by hand",
        network,
        parameters,
        loss: Loss::cross_entropy(),
        inputs: Matrix::from_rows(&[
            [0.8, -0.5, 0.3],
            [-0.6, 0.9, 0.4],
            [0.2, 0.7, -0.9],
            [-0.4, -0.8, 0.6],
            [0.9, 0.1, -0.7],
            [-0.3, 0.4, 0.5],
        ]),
        targets: Matrix::from_rows(&[[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]),
        samples: 1,
        learning_rate: 0.5,
        seed: 1,
    };
    recipe.document()
}

fn mazur(example: &'static Example) -> Result<Document, Refusal> {
    let network = Network::builder(2).dense(2, Activation::Sigmoid).dense(2, Activation::Sigmoid).build()?;
    let layers: [(&[f64], &[f64]); 2] =
        [(&[0.15, 0.20, 0.25, 0.30], &[0.35, 0.35]), (&[0.40, 0.45, 0.50, 0.55], &[0.60, 0.60])];
    let recipe = Recipe {
        example,
        source: "Matt Mazur, A Step by Step Backpropagation Example (2015)",
        parameters: parameters(&network, &layers)?,
        network,
        loss: Loss::HalfSquaredError,
        inputs: Matrix::from_rows(&[[0.05, 0.10]]),
        targets: Matrix::from_rows(&[[0.01, 0.99]]),
        samples: 1,
        learning_rate: 0.5,
        seed: 1,
    };
    recipe.document()
}

fn xor(example: &'static Example) -> Result<Document, Refusal> {
    let network = Network::builder(2).dense(2, Activation::Tanh).dense(1, Activation::Sigmoid).build()?;
    let layers: [(&[f64], &[f64]); 2] = [(&[1.2, 0.9, 0.8, 1.1], &[-0.3, -1.2]), (&[0.9, -0.7], &[0.1])];
    let recipe = Recipe {
        example,
        source: "the four rows of XOR",
        parameters: parameters(&network, &layers)?,
        network,
        loss: Loss::BinaryCrossEntropy,
        inputs: Matrix::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        targets: Matrix::from_rows(&[[0.0], [1.0], [1.0], [0.0]]),
        samples: 4,
        learning_rate: 0.5,
        seed: 1,
    };
    recipe.document()
}

fn dead_relu(example: &'static Example) -> Result<Document, Refusal> {
    let network = Network::builder(2).dense(3, Activation::Relu).dense(1, Activation::Identity).build()?;
    // The second neuron's z is negative on all four rows: its bias outweighs the inputs.
    let layers: [(&[f64], &[f64]); 2] =
        [(&[0.6, 0.4, 0.3, -0.5, 0.7, -0.2], &[0.1, -1.5, 0.2]), (&[0.5, 0.8, -0.6], &[0.3])];
    let recipe = Recipe {
        example,
        source: "four rows chosen by hand",
        parameters: parameters(&network, &layers)?,
        network,
        loss: Loss::HalfSquaredError,
        inputs: Matrix::from_rows(&[[0.9, 0.2], [0.4, 0.8], [-0.3, 0.7], [0.6, -0.5]]),
        targets: Matrix::from_rows(&[[0.7], [0.9], [0.4], [0.1]]),
        samples: 4,
        learning_rate: 0.1,
        seed: 1,
    };
    recipe.document()
}

fn saturated_sigmoid(example: &'static Example) -> Result<Document, Refusal> {
    let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Sigmoid).build()?;
    let layers: [(&[f64], &[f64]); 2] =
        [(&[0.9, 0.5, 0.7, -0.4, 1.1, 0.6], &[0.2, 0.1, -0.1]), (&[3.2, 2.1, 2.7], &[1.5])];
    let recipe = Recipe {
        example,
        source: "one row chosen by hand",
        parameters: parameters(&network, &layers)?,
        network,
        loss: Loss::HalfSquaredError,
        inputs: Matrix::from_rows(&[[0.9, 0.6]]),
        targets: Matrix::from_rows(&[[0.0]]),
        samples: 1,
        learning_rate: 0.5,
        seed: 1,
    };
    recipe.document()
}

fn deep_10(example: &'static Example) -> Result<Document, Refusal> {
    let mut builder = Network::builder(3);
    for width in [4, 5, 4, 3, 5, 4, 3, 4, 5, 2] {
        builder = builder.dense(width, Activation::Sigmoid);
    }
    let recipe = Recipe {
        example,
        source: "two rows chosen by hand",
        network: builder.build()?,
        parameters: None,
        loss: Loss::HalfSquaredError,
        inputs: Matrix::from_rows(&[[0.5, -0.8, 0.3], [-0.6, 0.4, 0.9]]),
        targets: Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0]]),
        samples: 2,
        learning_rate: 0.5,
        seed: 1,
    };
    recipe.document()
}

fn digits(example: &'static Example) -> Result<Document, Refusal> {
    let pixels = pixels().iter().map(|&pixel| f64::from(pixel) / f64::from(MAXIMUM)).collect();
    let mut targets = Matrix::zeros(ROWS, 10);
    for (row, &label) in labels().iter().enumerate() {
        targets[(row, usize::from(label))] = 1.0;
    }
    let network = Network::builder(HEIGHT * WIDTH)
        .dense(16, Activation::Relu)
        .dense(10, Activation::Softmax)
        .build()?;
    let recipe = Recipe {
        example,
        source: "the built-in digits: 1,797 images of 8 x 8 pixels, from 0 (white) to 1 (ink)",
        network,
        parameters: None,
        loss: Loss::cross_entropy(),
        inputs: Matrix::from_vec(ROWS, HEIGHT * WIDTH, pixels)?,
        targets,
        samples: 8,
        learning_rate: 0.5,
        seed: 1,
    };
    let document = recipe.document()?;
    let output_names = Some((0..10).map(|digit: i32| digit.to_string()).collect());
    let image = Some(Image { height: HEIGHT, width: WIDTH });
    Ok(Document { output_names, image, ..document })
}
