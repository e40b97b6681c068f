//! A product of two small matrices with all its terms, and the transpose rule (A B)^T = B^T A^T.

use serde::Serialize;

use crate::{Num, Refusal};

/// A B, both sides of (A B)^T = B^T A^T, and the terms.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Product {
    /// A B
    pub product: Vec<Vec<Num>>,
    /// (A B)^T
    pub product_transposed: Vec<Vec<Num>>,
    /// B^T A^T, multiplied out.
    pub transposes_multiplied: Vec<Vec<Num>>,
    /// For each element of A B: a, b and their product, in the order of the sum.
    pub terms: Vec<Vec<Vec<[Num; 3]>>>,
}

/// Rows and columns of each matrix at most.
const LARGEST: usize = 8;

/// A B.
///
/// # Errors
/// When a matrix is empty, ragged or larger than 8 x 8, or A's columns are not as many as B's rows.
pub fn multiply(a: &[Vec<Num>], b: &[Vec<Num>]) -> Result<Product, Refusal> {
    let (rows, inner) = shape("A", a)?;
    let (inner_b, columns) = shape("B", b)?;
    if inner != inner_b {
        return Err(Refusal::Invalid(format!(
            "A is {rows} x {inner} and B is {inner_b} x {columns}: A needs as many columns as B has rows"
        )));
    }
    let term = |i: usize, j: usize, k: usize| [a[i][k], b[k][j], Num(a[i][k].0 * b[k][j].0)];
    let product = times(a, b);
    Ok(Product {
        product_transposed: transpose(&product),
        transposes_multiplied: times(&transpose(b), &transpose(a)),
        product,
        terms: (0..rows)
            .map(|i| (0..columns).map(|j| (0..inner).map(|k| term(i, j, k)).collect()).collect())
            .collect(),
    })
}

fn shape(name: &str, matrix: &[Vec<Num>]) -> Result<(usize, usize), Refusal> {
    let (rows, columns) = (matrix.len(), matrix.first().map_or(0, Vec::len));
    if rows == 0 || columns == 0 {
        return Err(Refusal::Invalid(format!("{name} is empty; it needs at least 1 row and 1 column")));
    }
    if let Some(row) = matrix.iter().position(|row| row.len() != columns) {
        return Err(Refusal::Invalid(format!(
            "row {} of {name} has {} numbers, and the first row {columns}; all rows must be of one length",
            row + 1,
            matrix[row].len()
        )));
    }
    if rows > LARGEST || columns > LARGEST {
        return Err(Refusal::TooMuch(format!(
            "{name} is {rows} x {columns}; at most 8 x 8 can be multiplied"
        )));
    }
    Ok((rows, columns))
}

/// Each element one chain of fused multiply-adds, as in the engine.
fn times(a: &[Vec<Num>], b: &[Vec<Num>]) -> Vec<Vec<Num>> {
    let element = |row: &[Num], j: usize| {
        Num(row.iter().zip(b).fold(0.0, |sum, (x, from)| x.0.mul_add(from[j].0, sum)))
    };
    a.iter().map(|row| (0..b[0].len()).map(|j| element(row, j)).collect()).collect()
}

fn transpose(matrix: &[Vec<Num>]) -> Vec<Vec<Num>> {
    (0..matrix[0].len()).map(|j| matrix.iter().map(|row| row[j]).collect()).collect()
}
