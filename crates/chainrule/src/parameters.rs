//! The parameters of a network: one flat aligned buffer, in which each tensor lies in panels, with a view per tensor.
//!
//! Gradients, and each buffer of an optimizer's state, are the very same type.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::initialization::Start;
use crate::kernel::buffer::{ALIGNMENT, Buffer, zeros};
use crate::kernel::panels::{Panels, Piece, from_rows, panel_width, place};
use crate::kernel::rows::Rows;
use crate::kernel::{Scalar, vectorized::all_finite};
use crate::matrix::Matrix;
use crate::tensor_view::TensorView;

/// One tensor's place in the buffer.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(3).dropout(0.1).dense(2, Activation::Tanh).build()?;
/// let names: Vec<_> = network.tensors().iter().map(|tensor| (tensor.layer, &tensor.name[..], tensor.shape())).collect();
/// assert_eq!(names, [(2, "layers.0.weight", vec![2, 3]), (2, "layers.0.bias", vec![2])]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorLayout {
    /// The network's layer, counted from 1.
    pub layer: usize,
    /// The name in model files: `layers.{i}.weight`, i counting the layers that have parameters, from 0.
    pub name: String,
    /// Rows; 1 for a vector.
    pub rows: usize,
    /// Columns; the length of a vector.
    pub columns: usize,
    /// Whether the tensor is a vector (a bias) and not a matrix.
    pub is_vector: bool,
    /// The first element's index in the buffer.
    offset: usize,
}

impl TensorLayout {
    /// The shape as model files give it: `[rows, columns]` or `[columns]`.
    pub fn shape(&self) -> Vec<usize> {
        if self.is_vector { vec![self.columns] } else { vec![self.rows, self.columns] }
    }

    /// The first element's index in the buffer.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// How many numbers it takes in the buffer, with the padding behind it.
    pub(crate) fn padded_count(&self) -> usize {
        padded(self.count())
    }

    /// The tensor in pieces of up to `most_rows` rows of a panel, each with its place in the tensor, in the order of the rows
    /// and then of the panels; a vector is one piece. `most_rows` is a multiple of a panel's columns, or all rows.
    pub(crate) fn pieces<T>(&self, most_rows: usize) -> impl Iterator<Item = (Piece, Range<usize>)> {
        let shape = (self.rows, self.columns);
        let width = if self.is_vector { self.columns } else { panel_width::<T>() };
        let tops = (0..self.rows).step_by(most_rows);
        let pieces = tops.flat_map(move |top| {
            let rows = top..shape.0.min(top + most_rows);
            (0..shape.1).step_by(width).map(move |start| Piece { rows: rows.clone(), start })
        });
        let is_vector = self.is_vector;
        pieces.map(move |piece| {
            let range = if is_vector { 0..shape.1 } else { piece.range::<T>(shape) };
            (piece, range)
        })
    }

    /// How many numbers the tensor has.
    pub fn count(&self) -> usize {
        self.rows * self.columns
    }
}

/// So many numbers that the next tensor is aligned, in both number types.
fn padded(count: usize) -> usize {
    count.next_multiple_of(ALIGNMENT / size_of::<f32>())
}

/// What a layer asks for: one tensor, and what it starts from.
#[derive(Clone, Debug)]
pub(crate) struct TensorRequest {
    pub(crate) name: Cow<'static, str>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) is_vector: bool,
    pub(crate) start: Start,
}

impl TensorRequest {
    pub(crate) fn matrix(
        name: impl Into<Cow<'static, str>>,
        rows: usize,
        columns: usize,
        start: Start,
    ) -> Self {
        TensorRequest { name: name.into(), rows, columns, is_vector: false, start }
    }

    pub(crate) fn vector(name: impl Into<Cow<'static, str>>, length: usize, start: Start) -> Self {
        TensorRequest { name: name.into(), rows: 1, columns: length, is_vector: true, start }
    }
}

/// Where every tensor of a network lies.
#[derive(Debug, PartialEq)]
pub(crate) struct ParameterLayout {
    tensors: Vec<TensorLayout>,
    /// The tensors of layer l are `tensors[first[l - 1]..first[l]]`.
    first: Vec<usize>,
    length: usize,
}

impl ParameterLayout {
    /// The layout for layers that ask for these tensors.
    pub(crate) fn new(requests: impl Iterator<Item = Vec<TensorRequest>>) -> Self {
        let (mut tensors, mut first, mut length) = (Vec::new(), vec![0], 0usize);
        let mut layers_with_parameters = 0;
        for (index, requests) in requests.enumerate() {
            for request in &requests {
                let TensorRequest { ref name, rows, columns, is_vector, .. } = *request;
                let name = format!("layers.{layers_with_parameters}.{name}");
                let offset = length;
                tensors.push(TensorLayout { layer: index + 1, name, rows, columns, is_vector, offset });
                length += padded(rows * columns);
            }
            layers_with_parameters += usize::from(!requests.is_empty());
            first.push(tensors.len());
        }
        ParameterLayout { tensors, first, length }
    }

    /// Every tensor, in the order of the layers.
    pub(crate) fn tensors(&self) -> &[TensorLayout] {
        &self.tensors
    }

    /// The tensors of one layer.
    #[inline]
    pub(crate) fn layer_tensors(&self, layer: usize) -> &[TensorLayout] {
        &self.tensors[self.first[layer - 1]..self.first[layer]]
    }
}

/// All weights and biases of a network, or their gradients.
///
/// Layer numbers are the network's, from 1.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(3).dense(2, Activation::Tanh).build()?;
/// let mut parameters = network.initialize::<f32>(1);
/// let bias = parameters.by_name("layers.0.bias").unwrap().clone();
/// parameters.set_tensor(&bias, &[0.5, -0.5])?;
/// let before = parameters.set_element(&bias, 0, 1, 0.25);
/// assert_eq!((before, parameters.tensor(&bias).to_vec()), (-0.5, vec![0.5, 0.25]));
/// assert_eq!((parameters.count(), parameters.zeros_like().norm()), (8, 0.0));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T> {
    layout: Arc<ParameterLayout>,
    /// Padding between tensors is zero and stays zero.
    buffer: Buffer<T>,
}

/// The parameters of the first layers, or of all, to read.
#[derive(Clone, Copy)]
pub(crate) struct ParametersView<'a, T> {
    layout: &'a ParameterLayout,
    /// From the buffer's start on.
    numbers: &'a [T],
}

impl<'a, T> ParametersView<'a, T> {
    /// The tensors of one layer.
    pub(crate) fn layer_tensors(&self, layer: usize) -> &'a [TensorLayout] {
        self.layout.layer_tensors(layer)
    }

    /// One tensor's numbers, in panels; of a vector one after the other.
    #[inline]
    pub(crate) fn numbers(&self, tensor: &TensorLayout) -> &'a [T] {
        &self.numbers[tensor.offset..tensor.offset + tensor.count()]
    }
}

/// Gradients have the type and the shapes of the parameters.
pub type Gradients<T> = Parameters<T>;

impl<T: Scalar> Parameters<T> {
    pub(crate) fn zeros(layout: Arc<ParameterLayout>) -> Self {
        let buffer = zeros(layout.length);
        Parameters { layout, buffer }
    }

    /// All of them, to read.
    pub(crate) fn view(&self) -> ParametersView<'_, T> {
        ParametersView { layout: &self.layout, numbers: &self.buffer }
    }

    /// Those before a range of the buffer, to read, and the range, to change.
    pub(crate) fn split(&mut self, range: Range<usize>) -> (ParametersView<'_, T>, &mut [T]) {
        let (before, rest) = self.buffer.split_at_mut(range.start);
        (ParametersView { layout: &self.layout, numbers: before }, &mut rest[..range.len()])
    }

    /// Zeros in the shapes of these.
    pub fn zeros_like(&self) -> Self {
        Parameters::zeros(Arc::clone(&self.layout))
    }

    /// Whether two sets belong to networks of the same shapes.
    pub fn same_shapes<U>(&self, other: &Parameters<U>) -> bool {
        Arc::ptr_eq(&self.layout, &other.layout) || self.layout == other.layout
    }

    pub(crate) fn layout(&self) -> &Arc<ParameterLayout> {
        &self.layout
    }

    pub(crate) fn has_layout(&self, layout: &Arc<ParameterLayout>) -> bool {
        Arc::ptr_eq(&self.layout, layout) || self.layout == *layout
    }

    /// The tensors, in the order of the layers.
    pub fn tensors(&self) -> &[TensorLayout] {
        &self.layout.tensors
    }

    /// The tensors of one layer.
    pub(crate) fn layer_tensors(&self, layer: usize) -> &[TensorLayout] {
        self.layout.layer_tensors(layer)
    }

    /// One tensor, to read.
    pub fn tensor(&self, tensor: &TensorLayout) -> TensorView<'_, T> {
        TensorView::new(Panels::new(self.numbers(tensor), tensor.rows, tensor.columns))
    }

    /// Sets one tensor, from its numbers row by row.
    ///
    /// # Errors
    /// When there are more or fewer numbers than the tensor has.
    pub fn set_tensor(&mut self, tensor: &TensorLayout, numbers: &[T]) -> Result<()> {
        if numbers.len() != tensor.count() {
            return Err(Error::shape(tensor.name.clone(), tensor.count(), numbers.len()));
        }
        from_rows(Rows::new(numbers, tensor.rows, tensor.columns), self.numbers_mut(tensor));
        Ok(())
    }

    /// Sets one number of a tensor, whose rows and columns count from 0. Returns the number that was there.
    ///
    /// # Panics
    /// When the tensor has no such row or column.
    pub fn set_element(&mut self, tensor: &TensorLayout, row: usize, column: usize, value: T) -> T {
        let shape = (tensor.rows, tensor.columns);
        assert!(row < shape.0 && column < shape.1, "row {row}, column {column} of {} x {}", shape.0, shape.1);
        std::mem::replace(&mut self.numbers_mut(tensor)[place::<T>(shape, row, column)], value)
    }

    /// One tensor's numbers, in panels; of a vector one after the other.
    #[inline]
    pub(crate) fn numbers(&self, tensor: &TensorLayout) -> &[T] {
        &self.buffer[tensor.offset..tensor.offset + tensor.count()]
    }

    pub(crate) fn numbers_mut(&mut self, tensor: &TensorLayout) -> &mut [T] {
        &mut self.buffer[tensor.offset..tensor.offset + tensor.count()]
    }

    /// The tensor of that name, such as `layers.0.weight`.
    pub fn by_name(&self, name: &str) -> Option<&TensorLayout> {
        self.layout.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// How many numbers there are (without padding).
    pub fn count(&self) -> usize {
        self.layout.tensors.iter().map(TensorLayout::count).sum()
    }

    /// The whole buffer, padding included.
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.buffer
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.buffer
    }

    /// The bytes of the buffer.
    pub fn bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }

    /// The first tensor of layer `layer`: W(l), shape \[n_l, n_(l-1)\], for a dense layer.
    ///
    /// # Panics
    /// When layer `layer` has no weight.
    pub fn weight(&self, layer: usize) -> TensorView<'_, T> {
        self.tensor(self.layout.layer_tensors(layer).first().expect("the layer has a weight"))
    }

    /// b(l), shape \[n_l\]; none if the layer has no bias.
    pub fn bias(&self, layer: usize) -> Option<TensorView<'_, T>> {
        self.layout.layer_tensors(layer).get(1).map(|tensor| self.tensor(tensor))
    }

    /// Sets W(l) from rows and b(l) from a slice, which is empty where the layer has no bias.
    ///
    /// # Errors
    /// When a shape differs, or a bias is given to a layer that has none.
    #[inline(never)]
    pub fn set(&mut self, layer: usize, weight: &Matrix<T>, bias: &[T]) -> Result<()> {
        let layout = Arc::clone(&self.layout);
        let Some((own_weight, rest)) = layout.layer_tensors(layer).split_first() else {
            return Err(Error::shape(format!("layer {layer}"), "a layer with a weight", "one without"));
        };
        if (own_weight.rows, own_weight.columns) != (weight.rows(), weight.columns()) {
            let shape = |rows, columns| format!("{rows} x {columns}");
            return Err(Error::shape(
                format!("weight of layer {layer}"),
                shape(own_weight.rows, own_weight.columns),
                shape(weight.rows(), weight.columns()),
            ));
        }
        let own_bias = rest.first();
        let length = own_bias.map_or(0, TensorLayout::count);
        if length != bias.len() {
            return Err(Error::shape(format!("bias of layer {layer}"), length, bias.len()));
        }
        from_rows(weight.view().into(), self.numbers_mut(own_weight));
        if let Some(own_bias) = own_bias {
            self.numbers_mut(own_bias).copy_from_slice(bias);
        }
        Ok(())
    }

    /// The same numbers in another type, rounded to nearest.
    pub fn cast<U: Scalar>(&self) -> Parameters<U> {
        let mut result = Parameters::<U>::zeros(Arc::clone(&self.layout));
        for tensor in self.tensors() {
            // Panels of another type have another width.
            let shape = (tensor.rows, tensor.columns);
            let (from, to) = (self.tensor(tensor), result.numbers_mut(tensor));
            for row in 0..tensor.rows {
                for (column, number) in from.row(row).enumerate() {
                    to[place::<U>(shape, row, column)] = U::from_f64(number.as_f64());
                }
            }
        }
        result
    }

    /// Copies all numbers from another set of the same shapes.
    pub(crate) fn copy_from(&mut self, other: &Parameters<T>) {
        self.buffer.copy_from_slice(other.as_slice());
    }

    /// The first tensor with a number that is not finite.
    #[inline(never)]
    pub fn first_not_finite(&self) -> Option<&TensorLayout> {
        self.tensors().iter().find(|tensor| !all_finite(self.numbers(tensor)))
    }

    /// The square root of the sum of squares of all numbers, summed in f64.
    ///
    /// The order is fixed, wherever the numbers lie: tensor by tensor and row by row, in partial sums that end at every
    /// 4,096th position when each tensor begins at a multiple of 16.
    #[inline(never)]
    pub fn norm(&self) -> f64 {
        const PART: usize = 4096;
        let (mut total, mut partial, mut part) = (0.0, 0.0, 0);
        for tensor in self.tensors() {
            let (view, mut position) = (self.tensor(tensor), tensor.offset);
            for row in 0..tensor.rows {
                let mut numbers = view.row(row);
                while numbers.len() > 0 {
                    if part != position / PART {
                        total += partial;
                        (partial, part) = (0.0, position / PART);
                    }
                    let count = numbers.len().min(PART - position % PART);
                    let now = numbers.by_ref().take(count);
                    partial = now.fold(partial, |sum, value| sum + value.as_f64() * value.as_f64());
                    position += count;
                }
            }
        }
        (total + partial).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Activation, Network};

    #[test]
    fn the_norm_is_that_of_partial_sums_over_the_padded_buffer() {
        // Tensors that begin in the middle of a part, end before it does, reach over several, and are one number.
        for widths in [[1, 1, 1], [3, 130, 31], [90, 91, 50], [64, 64, 64], [511, 8, 513]] {
            let [n_in, hidden, n_out] = widths;
            let network = Network::builder(n_in)
                .dense(hidden, Activation::Tanh)
                .dense(n_out, Activation::Identity)
                .build()
                .unwrap();
            let parameters = network.initialize::<f64>(3);
            let mut by_rows = vec![0.0; parameters.buffer.len()];
            for tensor in parameters.tensors() {
                parameters.tensor(tensor).copy_to(&mut by_rows[tensor.offset..][..tensor.count()]);
            }
            let parts = by_rows.chunks(4096).map(|part| part.iter().map(|value| value * value).sum::<f64>());
            assert_eq!(parameters.norm().to_bits(), parts.sum::<f64>().sqrt().to_bits(), "{widths:?}");
        }
    }
}
