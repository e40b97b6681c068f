//! Arrays of the crate `ndarray` are matrices here, and come back.

use chainrule::{Activation, Matrix, MatrixView, Network, Threads, infer};
use ndarray::{Array2, array};

#[test]
fn arrays_go_in_and_come_back() {
    let inputs: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let view = MatrixView::try_from(inputs.view()).unwrap();
    assert_eq!((view.rows(), view.columns(), view[(1, 0)]), (2, 3, 4.0));
    let network = Network::builder(3).dense(2, Activation::Softmax).build().unwrap();
    let outputs = infer(&Threads::single(), &network, &network.initialize(1), view).unwrap();
    let array: Array2<f32> = outputs.clone().into();
    assert_eq!(array[[1, 1]], outputs[(1, 1)]);
    assert_eq!(Matrix::from(array), outputs);
}

#[test]
fn numbers_in_another_order_are_refused_as_a_view_and_put_in_order_as_a_matrix() {
    let turned: Array2<f64> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes();
    let error = MatrixView::try_from(turned.view()).unwrap_err().to_string();
    assert!(error.contains("row by row") && error.contains("as_standard_layout"), "{error}");
    assert_eq!(Matrix::from(turned), Matrix::from_rows(&[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]));
    // A part of an array has gaps between its rows.
    let whole: Array2<f64> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    assert!(MatrixView::try_from(whole.slice(ndarray::s![.., 1..])).is_err());
}
