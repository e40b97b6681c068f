//! What dense layers start from where the first batch decides (Holzmueller, Grinsztajn and Steinwart 2024: "std" and "he+5").
//!
//! Weights are normal, each neuron's divided by the standard deviation of its z over the batch. A neuron's bias is minus a mean of
//! five samples' z with random weights, so that z = 0, where the activation bends, is in the midst of the data.

use crate::inputs::Inputs;
use crate::kernel::Scalar;
use crate::kernel::panels::Panels;
use crate::kernel::transpose::transpose;
use crate::layer::Layer;
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::random::{Purpose, Random, Stream, shuffled};
use crate::walk::Walk;

/// Samples of a neuron's bias.
const SAMPLES: usize = 5;

/// A standard deviation below this is one of rounding: a neuron whose inputs do not vary in the batch keeps its weights.
const LEAST_DEVIATION: f64 = 1e-10;

impl Network {
    /// Parameters before the first step, with those of dense layers as the first batch of a run with this seed has it; other
    /// layers start as in [`Network::initialize`]. The same seed and inputs give the same bits.
    ///
    /// For a dense layer with n inputs: W = w / (sqrt(n) s) with w normal and s the standard deviation of w a / sqrt(n) over
    /// the batch, one for each neuron; b = -sum_i u_i z_i / sum_i u_i over five random samples i, u exponential, z without
    /// the bias.
    ///
    /// ```
    /// use chainrule::*;
    /// let network = Network::builder(2).dense(3, Activation::Relu).dense(2, Activation::Softmax).build()?;
    /// let inputs = Matrix::from_rows(&[[0.5, -1.0], [2.0, 0.1], [-0.3, 0.7], [1.0, 1.0]]);
    /// let parameters = network.initialize_from::<f64>(inputs.view().into(), 4, 7);
    /// let z = forward(&network, &parameters, inputs.view(), Mode::Inference)?.pre_activation(1).clone();
    /// for j in 0..3 {
    ///     let mean = (0..4).map(|i| z[(i, j)]).sum::<f64>() / 4.0;
    ///     let variance = (0..4).map(|i| (z[(i, j)] - mean).powi(2)).sum::<f64>() / 4.0;
    ///     assert!((variance - 1.0).abs() < 1e-12);
    /// }
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the inputs do not have the network's width, or there are none.
    #[inline(never)]
    pub fn initialize_from<T: Scalar>(
        &self,
        inputs: Inputs<'_, T>,
        batch_size: usize,
        seed: u64,
    ) -> Parameters<T> {
        let mut parameters = self.initialize::<T>(seed);
        let order = shuffled(inputs.rows(), seed, 0);
        let rows: Vec<usize> =
            order[..batch_size.min(order.len())].iter().map(|&row| inputs.source_row(row)).collect();
        let (batch, count) = (inputs.select(&rows), rows.len());
        let room = || vec![T::zero(); count * self.widest()];
        let (mut values, mut next) = (room(), room());
        let n_0 = count * self.input_width();
        batch.write_panels(0..count, &mut next[..n_0]);
        transpose(Panels::new(&next[..n_0], count, self.input_width()), &mut values[..n_0]);
        for l in 1..=self.depth() {
            if let Layer::Dense(_) = self.layers()[l - 1] {
                self.start_dense(l, seed, &values, &mut next, count, &mut parameters);
            }
            let walk = self.walk(&parameters, count);
            let width = count * self.width(l);
            walk.pre_activation(l, &values[..count * self.width(l - 1)], &mut next[..width]);
            if l < self.depth() {
                walk.activate(l, &mut next[..width]);
            }
            std::mem::swap(&mut values, &mut next);
        }
        parameters
    }

    fn walk<'a, T: Scalar>(&'a self, parameters: &'a Parameters<T>, rows: usize) -> Walk<'a, T> {
        let mode = Mode::Inference;
        Walk { network: self, parameters: parameters.view(), mode, rows, first_sample: 0, threads: None }
    }

    /// W and b of dense layer `l`, whose inputs of `count` samples are `values`, with samples as columns.
    fn start_dense<T: Scalar>(
        &self,
        l: usize,
        seed: u64,
        values: &[T],
        z: &mut [T],
        count: usize,
        parameters: &mut Parameters<T>,
    ) {
        let (n_in, n_out) = (self.width(l - 1), self.width(l));
        let mut random = Random::new(Stream::new(seed, Purpose::Initialization, l, 1, 0));
        let root = (n_in as f64).sqrt();
        let mut weight: Vec<f64> = (0..n_in * n_out).map(|_| random.normal() / root).collect();
        let [tensor, bias @ ..] = self.layer_tensors(l) else { return };
        let rounded = |weight: &[f64]| -> Vec<T> { weight.iter().map(|&w| T::from_f64(w)).collect() };
        let set = |parameters: &mut Parameters<T>, numbers: &[T], tensor| {
            parameters.set_tensor(tensor, numbers).expect("as many numbers as the tensor has");
        };
        set(parameters, &rounded(&weight), tensor);
        if let [bias] = bias {
            set(parameters, &vec![T::zero(); n_out], bias);
        }
        let z = &mut z[..count * n_out];
        self.walk(parameters, count).pre_activation(l, &values[..count * n_in], z);
        let z = Panels::new(z, n_out, count);
        let mut biases = Vec::with_capacity(n_out);
        for (j, weights) in weight.chunks_exact_mut(n_in).enumerate() {
            let of_samples: Vec<f64> = z.row(j).map(|z| z.as_f64()).collect();
            let mean = of_samples.iter().sum::<f64>() / count as f64;
            let squares: f64 = of_samples.iter().map(|z| (z - mean) * (z - mean)).sum();
            let deviation = (squares / count as f64).sqrt();
            let factor = if deviation > LEAST_DEVIATION { 1.0 / deviation } else { 1.0 };
            weights.iter_mut().for_each(|w| *w *= factor);
            let (mut sum, mut total) = (0.0, 0.0);
            for _ in 0..SAMPLES {
                let share = -libm::log(1.0 - random.uniform());
                sum += share * factor * of_samples[random.below(count)];
                total += share;
            }
            biases.push(if total > 0.0 { -sum / total } else { 0.0 });
        }
        set(parameters, &rounded(&weight), tensor);
        if let [bias] = bias {
            set(parameters, &rounded(&biases), bias);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::{AsIs, ColumnPiece, Columns, LearnedActivation, Periodic, Scale};
    use crate::{Activation, Matrix, Mode, Network, forward, shuffled};

    #[test]
    fn every_neuron_has_deviation_one_and_bends_within_the_data() {
        let pieces = vec![
            ColumnPiece::Periodic(Periodic { width: 3, missing: true, ..Periodic::default() }),
            ColumnPiece::AsIs(AsIs { width: 2, missing: false }),
        ];
        let network = Network::builder(5)
            .layer(Columns { pieces }.into())
            .layer(Scale {}.into())
            .dense(40, Activation::Identity)
            .layer(LearnedActivation { activation: Activation::Selu }.into())
            .dropout(0.5)
            .dense(33, Activation::Mish)
            .dense(3, Activation::Softmax)
            .build()
            .unwrap();
        let mut inputs = Matrix::<f64>::zeros(90, 5);
        for (index, value) in inputs.as_mut_slice().iter_mut().enumerate() {
            *value = ((index * index) as f64 * 0.37).sin() * 2.0;
        }
        inputs[(7, 1)] = f64::NAN;
        // The fourth column is the same everywhere.
        (0..90).for_each(|row| inputs[(row, 3)] = 1.0);
        let parameters = network.initialize_from::<f64>(inputs.view().into(), 64, 5);
        assert_eq!(parameters, network.initialize_from::<f64>(inputs.view().into(), 64, 5));
        assert_ne!(parameters, network.initialize_from::<f64>(inputs.view().into(), 64, 6));
        let batch = &shuffled(90, 5, 0)[..64];
        let rows: Vec<f64> = batch.iter().flat_map(|&row| inputs.row(row).to_vec()).collect();
        let batch = Matrix::from_vec(64, 5, rows).unwrap();
        let cache = forward(&network, &parameters, batch.view(), Mode::Inference).unwrap();
        for l in [3, 6, 7] {
            let z = cache.pre_activation(l);
            for j in 0..network.width(l) {
                let column: Vec<f64> = (0..64).map(|i| z[(i, j)]).collect();
                let mean = column.iter().sum::<f64>() / 64.0;
                let variance = column.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 64.0;
                assert!((variance - 1.0).abs() < 1e-9, "layer {l}, neuron {j}: {variance}");
                assert!(column.iter().any(|z| *z >= 0.0) && column.iter().any(|z| *z <= 0.0));
            }
        }
        // What is no dense layer starts as ever.
        let usual = network.initialize::<f64>(5);
        for tensor in network.tensors().iter().filter(|tensor| tensor.layer <= 2) {
            assert_eq!(parameters.tensor(tensor), usual.tensor(tensor), "{}", tensor.name);
        }
    }

    #[test]
    fn inputs_that_do_not_vary_give_finite_weights() {
        let network =
            Network::builder(2).dense(3, Activation::Relu).dense(2, Activation::Softmax).build().unwrap();
        for rows in [1, 4] {
            let inputs = Matrix::from_vec(rows, 2, vec![0.0f32; 2 * rows]).unwrap();
            let parameters = network.initialize_from::<f32>(inputs.view().into(), 4, 1);
            assert!(parameters.first_not_finite().is_none());
            assert!(parameters.weight(1).iter().all(|w| w.abs() < 5.0));
        }
    }
}
