// What the server and the page say to each other. The Rust side of every type has the same name.
//
// All addresses are relative to the page's own, which contains the launch's token: "./api/...".
// Every matrix has one row for each sample; W(l) is [n_l, n_(l-1)]. Indices count from 0, layers l from 1.
// Errors are { error: string } with a status of 4xx.

/** In JSON, NaN and infinities are strings. */
export type Num = number | 'NaN' | 'Infinity' | '-Infinity'

/** "relu", or with parameters { leaky_relu: { negative_slope: 0.01 } }. */
export type Activation = string | Record<string, Record<string, number>>
export type Loss = string | Record<string, Record<string, unknown>>

/** GET api/catalog: what can be chosen. */
export interface Catalog {
  version: string
  examples: { id: string; title: string; summary: string }[]
  activations: { value: Activation; name: string; output_only: boolean }[]
  losses: { value: Loss; name: string; natural_output: string }[]
  initializations: string[]
  limits: Limits
  /** What the program was started with; the page opens it. */
  start: number
}

export interface Limits {
  layers: number
  width: number
  parameters: number
  samples: number
  iterations_per_request: number
}

/** An element of a value of the trace. Vectors (biases) have row 0; "loss" is [0, 0]. */
export interface Cell {
  name: string
  row: number
  column: number
}

export type Phase = 'forward' | 'output_error' | 'backward' | 'gradients' | 'update'
export type Operation =
  | 'affine' | 'activation' | 'loss' | 'output_delta' | 'carry_back' | 'delta' | 'gradients' | 'update'

export type Kind =
  | 'activation' | 'target' | 'weight' | 'bias' | 'pre_activation' | 'loss' | 'error' | 'slope' | 'delta'
  | 'weight_gradient' | 'bias_gradient' | 'updated_weight' | 'updated_bias'

/**
 * A value of the trace. Names: "a.0" (inputs), "target", "weight.l", "bias.l", "z.l", "a.l", "loss",
 * "error.l" (dLoss/da(l)), "slope.l" (sigma'(z(l))), "delta.l", "weight_gradient.l", "bias_gradient.l",
 * "updated_weight.l", "updated_bias.l".
 */
export interface Value {
  name: string
  kind: Kind
  /** Dense layer, 0 for inputs, target and loss. */
  layer: number
  /** [rows, columns], [length] or []. */
  shape: number[]
  bytes: number
  /** The largest finite |value|. */
  scale: number
  root_mean_square: Num
  zeros: number
  non_finite: number
  /** Row by row; null where there are more than 4,096: then GET api/revisions/N/values/NAME. */
  values: Num[] | null
}

export interface TraceEvent {
  id: number
  phase: Phase
  layer: number
  operation: Operation
  /** Names of the values it reads and computes. */
  operands: string[]
  outputs: string[]
  shape: number[]
  sentence: string
}

export interface Layer {
  /** From 1. */
  number: number
  inputs: number
  width: number
  activation: Activation
  activation_name: string
  bias: boolean
  parameters: number
}

/** One revision of the document and its trace. GET api/revisions/N, and the answer to every edit. */
export interface View {
  revision: number
  parent: number | null
  /** What was done, in words: "weight W(2)[1, 3] 0.5 -> 0.6", "iteration 4", "example 3-4-2". */
  label: string
  /** Updates since the weights were drawn or reset. */
  iteration: number
  /** The loss of the trace. */
  loss: Num
  title: string
  /** Where the data come from, in words. */
  source: string
  layers: Layer[]
  /** n_0 .. n_L */
  widths: number[]
  samples: number
  /** First row of the data that the batch shows, and how many rows there are to choose from. */
  first_row: number
  available_rows: number
  loss_function: Loss
  loss_name: string
  learning_rate: number
  initialization: string
  seed: number
  /** Names of inputs and outputs, where there are any. */
  input_names: string[] | null
  output_names: string[] | null
  /** Inputs are pixels of such an image. */
  image: { height: number; width: number } | null
  /** Why delta(L) is computed as it is. */
  output_rule: OutputRule
  values: Value[]
  /** Names of what is given before step 1. */
  given: string[]
  /** In the order of the lesson. */
  events: TraceEvent[]
  /** Ids of events in each order, and the bytes of all values that exist after each of them. */
  orders: { lesson: Order; framework: Order }
}

export interface Order {
  events: number[]
  live_bytes: number[]
}

export interface OutputRule {
  /** "prediction_minus_target": the short form holds; "through_slope": dLoss/da times sigma'(z); "through_jacobian": softmax with another loss. */
  rule: 'prediction_minus_target' | 'through_slope' | 'through_jacobian'
  /** Why, in two or three sentences; for the last two, also why the short form would be wrong. */
  reason: string
  /** Whether the loss counts the targets as they are given: no smoothing, no weights, a sum of 1. */
  targets_as_given: boolean
}

/** POST api/documents { example: id } or { document: Document } -> View: a new root. */
export type NewDocument = { example: string } | { document: SharedDocument }

/** GET api/revisions/N/document: all that a share link needs; opaque to the page. At most 20,000 numbers, else an error. */
export interface SharedDocument {
  format: 1
  [field: string]: unknown
}

/** POST api/revisions/N/edits Edit -> EditReply. N stays as it is; the view is of a new revision. */
export type Edit =
  | { kind: 'set'; name: string; row: number; column: number; value: Num }
  | { kind: 'learning_rate'; value: number }
  | { kind: 'activation'; layer: number; activation: Activation }
  /** With suit_output, the output layer gets the loss's natural activation. */
  | { kind: 'loss'; loss: Loss; suit_output: boolean }
  /** Weights of a layer whose shape stays are kept; what is new is drawn. */
  | { kind: 'layers'; layers: { width: number; activation: Activation; bias: boolean }[] }
  /** New weights; "suited" is the rule that suits each activation. */
  | { kind: 'initialize'; rule: string; seed: number }
  /** Back to the weights that were drawn. */
  | { kind: 'reset' }
  /** Rows first .. first + count of the data; beyond its end the last row is repeated, for editing. */
  | { kind: 'batch'; first: number; count: number }
  /** The update, count times; each is a revision of its own. */
  | { kind: 'iterate'; count: number }

export interface EditReply {
  view: View
  /** Every revision made, oldest first; the last one is the view's. */
  made: { revision: number; label: string; iteration: number; loss: Num }[]
}

// GET api/revisions/N/values/NAME -> little-endian f64, row by row (application/octet-stream).

/** GET api/revisions/N/explain?name=z.1&row=0&column=2 */
export interface Explanation {
  cell: Cell
  value: Num
  operation: Operation | 'given'
  /** What the sum starts from: the bias, the weight before the update, or nothing (0). */
  start: Factor | null
  /** For affine, carry_back, gradients: products in the order of the engine's sum. */
  terms: Term[]
  /** The last partial sum is divided by this: the number of samples for a mean, the sum of exponentials for softmax; null for none. */
  divisor: Num | null
  /** "tanh", "tanh'", "softmax", "half_squared_error", ...: the function applied to the factor, where the operation is one. */
  function: string | null
  /** The operation in one plain sentence about this cell. */
  sentence: string
}

export interface Term {
  /** One or two factors; with two, product is their product. */
  factors: Factor[]
  product: Num
  /** start + the products up to here, rounded as the engine rounds: the last is the value where there is no divisor. */
  partial: Num
}

export interface Factor {
  /** Where it comes from; null for constants (minus the learning rate). */
  cell: Cell | null
  value: Num
  /** How to read it: "W(2)[1, 3]", "a(1)[3]", "minus the learning rate". Indices from 1. */
  label: string
}

/** GET api/revisions/N/neuron?layer=1&neuron=2&sample=0 (both directions; the output layer too) */
export interface NeuronReport {
  layer: number
  neuron: number
  sample: number
  activation_name: string
  pre_activation: Explanation
  activation: Explanation
  /** Null for softmax, whose derivative is a matrix. */
  slope: Explanation | null
  /** Dots of the activation's curve around z; null for softmax. */
  curve: { z: number[]; a: Num[] } | null
  /** Whether it lets error through: "active", "saturated" (|slope| below 5 % of the largest that the function has), "dead" (slope 0 for every sample of the batch), "blocked" (slope 0 for this sample). */
  state: 'active' | 'saturated' | 'blocked' | 'dead'
  state_sentence: string
  /** Null at the output layer. */
  error: Explanation | null
  delta: Explanation
  /** Set at the output layer. */
  output_rule: OutputRule | null
}

/** GET api/revisions/N/edge?layer=1&to=2&from=0&sample=0: W(layer)[to, from] */
export interface EdgeReport {
  weight: Factor
  /** a(l-1)[from] w, one of the terms of z(l)[to] */
  forward: Term
  /** w delta(l)[to], one of the terms of dLoss/da(l-1)[from]; for layer 1 too, where it is not used. */
  backward: Term
  gradient: Explanation
  update: Explanation
  paths: {
    /** Ways from this weight to an output; may be huge. */
    count: number
    /** The listed ones, largest contribution first; at most 64, for this sample. */
    listed: Path[]
    /** The sum over all paths of this sample, and whether all are listed. */
    total: Num
    complete: boolean
  }
}

export interface Path {
  /** Neurons passed, in layers l .. L. */
  neurons: number[]
  /** a(l-1)[from], slopes, weights and at last delta(L)[neuron]: their product is the contribution to dLoss/dw. */
  factors: Factor[]
  contribution: Num
}

/** GET api/revisions/N/matrix?name=weight.1 (or any value with two dimensions) */
export interface MatrixReport {
  name: string
  shape: [number, number]
  /** Euclidean norms. */
  row_norms: Num[]
  column_norms: Num[]
  frobenius_norm: Num
  largest: Cell
  smallest: Cell
}

/** GET api/revisions/N/outer?layer=1&sample=0: delta of one sample times its input; without sample: dW itself. At most 4,096 cells, else an error. */
export interface OuterReport {
  layer: number
  sample: number | null
  /** delta(l)[.]: down the side; of the sample, or (without one) null, since every sample has its own. */
  side: Num[] | null
  /** a(l-1)[.]: along the top */
  top: Num[] | null
  shape: [number, number]
  values: Num[]
}

/** GET api/revisions/N/layer?layer=1 */
export interface LayerReport {
  layer: number
  parameters: number
  flops: { forward: number; carry_back: number; gradients: number; update: number }
  bytes: { weight: number; bias: number; pre_activation: number; activation: number; delta: number; gradients: number }
  /** Root-mean-square sizes; carried and slope gains multiply to the whole; null at the output layer. */
  gain: { delta_above: Num; error: Num; delta: Num; through_weights: Num; through_slope: Num; whole: Num } | null
  saturated: number
  dead: number
  neurons: number
}

/** GET api/revisions/N/loss */
export interface LossReport {
  loss: Num
  loss_name: string
  /** The formula in words and symbols. */
  formula: string
  samples: { sample: number; loss: Num; outputs: Factor[]; targets: Factor[] }[]
}

/** GET api/revisions/N/input?column=0&sample=0: a(0)[column] and what reads it. */
export interface InputReport {
  value: Factor
  /** For each neuron of layer 1: W(1)[j, column] a(0)[column]. */
  terms: Term[]
  /** dLoss/dx: W(1)^T delta(1), which training does not need. */
  sensitivity: Explanation
}

/** POST api/revisions/N/check/cell { name: "weight.1" | "bias.1", row, column } */
export interface CellCheck {
  cell: Cell
  backpropagated: Num
  numerical: Num
  h: number
  value: Num
  loss_up: Num
  loss_down: Num
  /** How many leading digits of the two derivatives agree. */
  digits: number
  verdict: 'agrees' | 'kink' | 'differs'
  sentence: string
  /** Which z or output passes a kink within h, in words; null if none. */
  kink: string | null
  /** From large h to small: round-off grows to the right, truncation to the left. */
  curve: { h: number; numerical: Num; error: Num; at_kink: boolean }[]
}

/** POST api/revisions/N/check/all {} ; stops when the request is aborted. */
export interface CheckReport {
  revision: number
  passed: boolean
  sentence: string
  tolerance: number
  tensors: {
    name: string
    shape: number[]
    compared: number
    at_kink: number
    /** For each checked cell; status as in CellCheck. */
    cells: { row: number; column: number; backpropagated: Num; numerical: Num; relative_error: Num; verdict: 'agrees' | 'kink' | 'differs' }[]
    worst: number | null
  }[]
  /** Set where not all cells were checked: how many of how many, and why. */
  sampled: string | null
}

/** POST api/multiply { a, b } (at most 8 x 8 each) -> A B, and both sides of (A B)^T = B^T A^T */
export interface Product {
  product: Num[][]
  product_transposed: Num[][]
  transposes_multiplied: Num[][]
  /** The terms of each element of A B: [i][j] = [[a_i1, b_1j, product], ...] */
  terms: [Num, Num, Num][][][]
}
// GET api/alive -> { alive: true }
