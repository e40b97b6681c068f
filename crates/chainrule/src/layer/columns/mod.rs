//! Columns of data: each range of inputs goes through its piece, and the results stand side by side. The first layer of a network
//! for tables.
//!
//! A number is passed on as it is, or embedded: x stands beside learned functions of it, periodic or piecewise linear. An index
//! of a category is looked up in a table of learned vectors. Where a piece says so, a number may be missing (NaN): all that
//! stands for it is learned.

mod as_is;
mod periodic;
mod piecewise_linear;
mod table;

use serde::{Deserialize, Serialize};

pub use as_is::AsIs;
pub use periodic::Periodic;
pub use piecewise_linear::PiecewiseLinear;
pub use table::Table;

use super::{Compute, Context, Formulas, GradientContext, Kind, LayerTensors, Loops, LoopsContext, Signal};
use crate::error::{Error, Result};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::{Blocks, Panels, Piece, panel_width};
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// Pieces side by side: the first takes the first inputs and gives the first outputs.
///
/// ```
/// use chainrule::layer::{AsIs, ColumnPiece, Columns, Periodic, Table};
/// use chainrule::*;
/// let columns = Columns {
///     pieces: vec![
///         ColumnPiece::Periodic(Periodic { width: 2, missing: true, ..Periodic::default() }),
///         ColumnPiece::AsIs(AsIs { width: 1, missing: false }),
///         ColumnPiece::Table(Table { categories: 5, outputs: 3 }),
///     ],
/// };
/// let network = Network::builder(4).layer(columns.into()).dense(2, Activation::Softmax).build()?;
/// // Each periodic number becomes 4, itself among them.
/// assert_eq!(network.width(1), 2 * 4 + 1 + 3);
/// // A missing number, and category 4.
/// let inputs = Matrix::from_rows(&[[f64::NAN, 0.5, 0.1, 4.0]]);
/// let cache = forward(&network, &network.initialize(1), inputs.view(), Mode::Inference)?;
/// assert_eq!(cache.activation(1)[(0, 4)], 0.5);
/// assert!(cache.output().as_slice().iter().all(|a| a.is_finite()));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// At least one.
    pub pieces: Vec<ColumnPiece>,
}

/// What becomes of some neighbouring inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnPiece {
    /// Numbers as they are.
    AsIs(AsIs),
    /// Numbers beside cosines of them.
    Periodic(Periodic),
    /// Numbers beside functions of them that are linear between boundaries.
    PiecewiseLinear(PiecewiseLinear),
    /// An index of a category, for which a learned vector stands.
    Table(Table),
}

/// What a piece is and computes. Its numbers, and what comes of each, count from 0.
trait ColumnKind {
    /// How many inputs it takes.
    fn inputs(&self) -> usize;

    /// How many outputs come of one input.
    fn outputs_of_one(&self) -> usize;

    /// Whether inputs may be missing, and a learned vector stands for one.
    fn learns_missing(&self) -> bool;

    /// Its tensors, without the vectors for missing numbers.
    fn tensors(&self) -> Vec<TensorRequest>;

    fn check(&self) -> Result<()>;

    /// FLOPs for one input.
    fn flops_of_one(&self) -> u64;

    /// The outputs of input `input` for some samples: each output is a row of them.
    fn forward<T: Scalar>(&self, tensors: PieceTensors<'_, T>, input: usize, x: &[T], outputs: &mut [T]);

    /// A piece of the gradient of a tensor of its own: what the samples of these operands add.
    fn add_gradient<T: Scalar>(
        &self,
        number: usize,
        tensors: Option<PieceTensors<'_, T>>,
        piece: &Piece,
        operands: &PieceOperands<'_, T>,
        gradient: &mut [T],
    );

    /// The reference: the outputs of one input.
    fn value(&self, tensors: &[Matrix<f64>], input: usize, x: f64) -> Vec<f64>;

    /// The reference: adds what one input of a sample gives to the gradients.
    fn add_slopes(
        &self,
        tensors: &[Matrix<f64>],
        input: usize,
        x: f64,
        delta: &[f64],
        gradients: &mut [Matrix<f64>],
    );
}

/// Runs the same for whichever piece it is.
macro_rules! each {
    ($piece:expr, $name:ident => $body:expr) => {
        match $piece {
            ColumnPiece::AsIs($name) => $body,
            ColumnPiece::Periodic($name) => $body,
            ColumnPiece::PiecewiseLinear($name) => $body,
            ColumnPiece::Table($name) => $body,
        }
    };
}

impl ColumnPiece {
    /// How many inputs it takes.
    pub fn inputs(&self) -> usize {
        each!(self, piece => piece.inputs())
    }

    /// How many outputs come of each of them.
    pub fn outputs_of_one(&self) -> usize {
        each!(self, piece => piece.outputs_of_one())
    }

    fn learns_missing(&self) -> bool {
        each!(self, piece => piece.learns_missing())
    }

    /// Its own tensors, then that for missing numbers.
    fn tensors(&self) -> Vec<TensorRequest> {
        let mut tensors = each!(self, piece => piece.tensors());
        if self.learns_missing() {
            let length = self.inputs() * self.outputs_of_one();
            tensors.push(TensorRequest::vector("missing", length, Start::Constant(0.0)));
        }
        tensors
    }

    fn tensor_count(&self) -> usize {
        let own = match self {
            ColumnPiece::AsIs(_) => 0,
            ColumnPiece::Periodic(_) => 4,
            ColumnPiece::PiecewiseLinear(_) | ColumnPiece::Table(_) => 1,
        };
        own + usize::from(self.learns_missing())
    }
}

/// The tensors of one piece.
#[derive(Clone, Copy)]
struct PieceTensors<'a, T> {
    tensors: LayerTensors<'a, T>,
    /// The number of its first among the layer's.
    first: usize,
}

impl<'a, T: Scalar> PieceTensors<'a, T> {
    fn matrix(&self, number: usize) -> Panels<'a, T> {
        self.tensors.matrix(self.first + number)
    }

    fn vector(&self, number: usize) -> &'a [T] {
        self.tensors.vector(self.first + number).unwrap_or_default()
    }
}

/// A column of a matrix in panels: some number of every sample of a block.
#[derive(Clone, Copy)]
struct Column<'a, T> {
    data: &'a [T],
    stride: usize,
}

impl<'a, T: Scalar> Column<'a, T> {
    fn of(panels: Panels<'a, T>, column: usize) -> Self {
        let (offset, stride) = panels.column(column);
        Column { data: &panels.data()[offset..], stride }
    }

    #[inline(always)]
    fn get(&self, sample: usize) -> T {
        self.data[sample * self.stride]
    }
}

/// delta and inputs of a block of samples, as a piece sees them.
struct PieceOperands<'a, T> {
    delta: Panels<'a, T>,
    input: Panels<'a, T>,
    /// The first of the piece's outputs, and of its inputs, among the layer's.
    first_output: usize,
    first_input: usize,
}

impl<'a, T: Scalar> PieceOperands<'a, T> {
    fn samples(&self) -> usize {
        self.delta.rows()
    }

    /// Input `input` of the piece.
    fn input(&self, input: usize) -> Column<'a, T> {
        Column::of(self.input, self.first_input + input)
    }

    /// delta of the piece's output `output`.
    fn delta(&self, output: usize) -> Column<'a, T> {
        Column::of(self.delta, self.first_output + output)
    }
}

/// A piece among the others.
struct Placed<'a> {
    piece: &'a ColumnPiece,
    first_input: usize,
    first_output: usize,
    first_tensor: usize,
}

impl Columns {
    /// The pieces with where each begins.
    fn placed(&self) -> impl Iterator<Item = Placed<'_>> {
        let (mut input, mut output, mut tensor) = (0, 0, 0);
        self.pieces.iter().map(move |piece| {
            let (first_input, first_output, first_tensor) = (input, output, tensor);
            input += piece.inputs();
            output += piece.inputs() * piece.outputs_of_one();
            tensor += piece.tensor_count();
            Placed { piece, first_input, first_output, first_tensor }
        })
    }
}

impl Kind for Columns {
    fn name(&self) -> &'static str {
        "columns"
    }

    fn detail(&self) -> String {
        let words = |piece: &ColumnPiece| match piece {
            ColumnPiece::AsIs(piece) => format!("{} as is", piece.width),
            ColumnPiece::Periodic(piece) => format!("{} periodic", piece.width),
            ColumnPiece::PiecewiseLinear(piece) => format!("{} piecewise linear", piece.boundaries.len()),
            ColumnPiece::Table(piece) => format!("a table of {}", piece.categories),
        };
        self.pieces.iter().map(words).collect::<Vec<_>>().join(", ")
    }

    fn check(&self, input_width: usize) -> Result<()> {
        if self.pieces.is_empty() {
            return Err(Error::Data("it has no pieces; it needs at least one".to_owned()));
        }
        let mut inputs = 0usize;
        for (index, piece) in self.pieces.iter().enumerate() {
            let checked = each!(piece, piece => piece.check());
            checked.map_err(|error| Error::Data(format!("piece {index}: {error}")))?;
            inputs = inputs.saturating_add(piece.inputs());
        }
        if inputs != input_width {
            let reason = format!("its pieces take {inputs} inputs, and there are {input_width}");
            return Err(Error::Data(reason));
        }
        Ok(())
    }

    fn output_width(&self, _input_width: usize) -> usize {
        self.pieces.iter().map(|piece| piece.inputs().saturating_mul(piece.outputs_of_one())).sum()
    }

    fn tensors(&self, _input_width: usize) -> Vec<TensorRequest> {
        let of_piece = |(index, piece): (usize, &ColumnPiece)| {
            let named = move |request: TensorRequest| TensorRequest {
                name: format!("pieces.{index}.{}", request.name).into(),
                ..request
            };
            piece.tensors().into_iter().map(named)
        };
        self.pieces.iter().enumerate().flat_map(of_piece).collect()
    }

    fn mixes_inputs(&self) -> bool {
        false
    }

    fn gradients_read_parameters(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, ColumnPiece::Periodic(_)))
    }

    fn must_be_first(&self) -> bool {
        true
    }

    fn accepts_missing(&self, input: usize) -> bool {
        let of_input = self.placed().take_while(|placed| placed.first_input <= input).last();
        of_input.is_some_and(|placed| {
            placed.piece.learns_missing() || matches!(placed.piece, ColumnPiece::Table(_))
        })
    }

    fn forward_flops(&self, _input_width: usize) -> u64 {
        let flops = |piece: &ColumnPiece| piece.inputs() as u64 * each!(piece, piece => piece.flops_of_one());
        self.pieces.iter().map(flops).sum()
    }

    fn formulas(&self) -> Formulas {
        Formulas {
            forward: "a(l) = the pieces side by side: x; x and W cos(2 pi f x + b) + c; x and W e(x); row x of a table",
            backward: "nothing is carried back: the inputs are data",
            gradients: self
                .pieces
                .iter()
                .flat_map(|piece| {
                    let own: &[&str] = match piece {
                        ColumnPiece::AsIs(_) => &[],
                        ColumnPiece::Periodic(_) => &periodic::GRADIENTS,
                        ColumnPiece::PiecewiseLinear(_) => &["dW = the sums of dLoss/da(l) e(x)"],
                        ColumnPiece::Table(_) => {
                            &["dW, row c = the sum of dLoss/da(l) of samples with x = c"]
                        }
                    };
                    let missing =
                        piece.learns_missing().then_some("the sums of dLoss/da(l) where x is missing");
                    own.iter().copied().chain(missing)
                })
                .collect(),
        }
    }
}

impl<T: Scalar> Compute<T> for Columns {
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        let (n_in, n_out) = (input.rows(), self.output_width(input.rows()));
        for start in (0..input.columns()).step_by(panel_width::<T>()) {
            let samples = panel_width::<T>().min(input.columns() - start);
            let from = &input.data()[n_in * start..][..n_in * samples];
            let to = &mut pre_activation[n_out * start..][..n_out * samples];
            for Placed { piece, first_input, first_output, first_tensor } in self.placed() {
                let tensors = PieceTensors { tensors: context.tensors, first: first_tensor };
                let each_gives = piece.outputs_of_one();
                let missing = piece.learns_missing().then(|| tensors.vector(piece.tensor_count() - 1));
                let outputs = &mut to[first_output * samples..][..piece.inputs() * each_gives * samples];
                for (index, outputs) in outputs.chunks_exact_mut(each_gives * samples).enumerate() {
                    let x = &from[(first_input + index) * samples..][..samples];
                    each!(piece, piece => piece.forward(tensors, index, x, outputs));
                    if let Some(missing) = missing {
                        fill_missing(&missing[index * each_gives..][..each_gives], x, outputs);
                    }
                }
            }
        }
    }

    /// It is the first layer, so that nobody asks.
    fn propagate(&self, _context: Context<'_, T>, _signal: Signal<'_, T>, input_error: &mut [T]) {
        input_error.fill(T::zero());
    }

    fn gradient(
        &self,
        context: GradientContext<'_, T>,
        part: &Piece,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        if accumulate == Accumulate::Replace {
            gradient.fill(T::zero());
        }
        let placed = self.placed().take_while(|placed| placed.first_tensor <= context.tensor).last();
        let Placed { piece, first_input, first_output, first_tensor } = placed.expect("there is a piece");
        let number = context.tensor - first_tensor;
        let tensors = context.tensors.map(|tensors| PieceTensors { tensors, first: first_tensor });
        for block in 0..delta.count() {
            let (delta, input) = (delta.get(block), input.get(block));
            let operands = PieceOperands { delta, input, first_output, first_input };
            if piece.learns_missing() && number + 1 == piece.tensor_count() {
                add_missing(piece, &operands, gradient);
            } else {
                each!(piece, piece => piece.add_gradient(number, tensors, part, &operands, gradient));
            }
        }
    }
}

/// Puts what is learned for a missing number where one is missing.
fn fill_missing<T: Scalar>(missing: &[T], x: &[T], outputs: &mut [T]) {
    if x.iter().any(|x| x.is_nan()) {
        for (outputs, &learned) in outputs.chunks_exact_mut(x.len()).zip(missing) {
            outputs.iter_mut().zip(x).filter(|(_, x)| x.is_nan()).for_each(|(output, _)| *output = learned);
        }
    }
}

/// The gradient of what is learned for missing numbers: the sums of delta, in the order of the samples.
fn add_missing<T: Scalar>(piece: &ColumnPiece, operands: &PieceOperands<'_, T>, gradient: &mut [T]) {
    let each_gives = piece.outputs_of_one();
    for (index, sums) in gradient.chunks_exact_mut(each_gives).enumerate() {
        let x = operands.input(index);
        for sample in (0..operands.samples()).filter(|&sample| x.get(sample).is_nan()) {
            for (output, sum) in sums.iter_mut().enumerate() {
                *sum += operands.delta(index * each_gives + output).get(sample);
            }
        }
    }
}

impl Columns {
    /// The tensors of a piece, from those of the layer.
    fn tensors_of<'a>(placed: &Placed<'_>, tensors: &'a [Matrix<f64>]) -> &'a [Matrix<f64>] {
        &tensors[placed.first_tensor..][..placed.piece.tensor_count()]
    }
}

impl Loops for Columns {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        let mut z = Matrix::zeros(input.rows(), self.output_width(input.columns()));
        for i in 0..input.rows() {
            for placed in self.placed() {
                let (tensors, each_gives) =
                    (Self::tensors_of(&placed, context.tensors), placed.piece.outputs_of_one());
                for index in 0..placed.piece.inputs() {
                    let x = input[(i, placed.first_input + index)];
                    for output in 0..each_gives {
                        let place = index * each_gives + output;
                        z[(i, placed.first_output + place)] =
                            match x.is_nan() && placed.piece.learns_missing() {
                                true => tensors[tensors.len() - 1][(0, place)],
                                false => each!(placed.piece, piece => piece.value(tensors, index, x))[output],
                            };
                    }
                }
            }
        }
        z
    }

    fn input_error(&self, _: &LoopsContext<'_>, input: &Matrix<f64>, _: &Matrix<f64>) -> Matrix<f64> {
        Matrix::zeros(input.rows(), input.columns())
    }

    fn gradients(
        &self,
        context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Vec<Matrix<f64>> {
        let zeros = |tensor: &Matrix<f64>| Matrix::zeros(tensor.rows(), tensor.columns());
        let mut gradients: Vec<Matrix<f64>> = context.tensors.iter().map(zeros).collect();
        for i in 0..input.rows() {
            for placed in self.placed() {
                let (tensors, each_gives) =
                    (Self::tensors_of(&placed, context.tensors), placed.piece.outputs_of_one());
                let gradients = &mut gradients[placed.first_tensor..][..tensors.len()];
                for index in 0..placed.piece.inputs() {
                    let x = input[(i, placed.first_input + index)];
                    let first = placed.first_output + index * each_gives;
                    let delta: Vec<f64> = (0..each_gives).map(|output| delta[(i, first + output)]).collect();
                    if x.is_nan() && placed.piece.learns_missing() {
                        let missing = &mut gradients[tensors.len() - 1];
                        for (output, delta) in delta.iter().enumerate() {
                            missing[(0, index * each_gives + output)] += delta;
                        }
                    } else {
                        each!(placed.piece, piece => piece.add_slopes(tensors, index, x, &delta, gradients));
                    }
                }
            }
        }
        gradients
    }
}
