// What the server and the page say to each other: the types of the server. Written by
// WRITE_CONTRACT=1 cargo test -p chainrule-explorer-core --lib contract
//
// All addresses are relative to the page's own, which contains the launch's token: "./api/..."; N is a revision.
// Every matrix has one row for each sample; W(l) is [n_l, n_(l-1)]. Indices count from 0, layers l from 1.
// What a comment calls none is null. Errors are { error: string } with a status of 4xx.
//
// GET api/alive -> { alive: true }
// GET api/revisions/N/values/NAME -> little-endian f64, row by row (application/octet-stream)
// GET api/revisions/N/pytorch -> a Python script (text/plain)

// GET api/catalog -> Catalog

/** What can be chosen. */
export interface Catalog {
  version: string
  examples: Array<Example>
  activations: Array<ActivationChoice>
  losses: Array<LossChoice>
  initializations: Array<string>
  limits: Limits
  /** Those that a whole step can be computed with. */
  mistakes: Array<MistakeChoice>
  /** The revision of what the program was started with, which the page opens. */
  start: number
}

/** An activation with its parameters. */
export type Activation =
  | 'identity'
  | 'relu'
  | { leaky_relu: { negative_slope: number } }
  | { elu: { alpha: number } }
  | 'selu'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'gelu'
  | 'gelu_tanh'
  | 'silu'
  | 'mish'
  | 'hard_sigmoid'
  | 'softmax'

/** An activation that can be chosen. */
export interface ActivationChoice {
  value: Activation
  name: string
  output_only: boolean
}

/** What a list of examples shows. */
export interface Example {
  id: string
  title: string
  summary: string
}

/** The limits that a page shows. */
export interface Limits {
  layers: number
  width: number
  parameters: number
  samples: number
  iterations_per_request: number
}

/** A loss with its parameters. */
export type Loss =
  | 'half_squared_error'
  | 'mean_squared_error'
  | 'mean_absolute_error'
  | { huber: { delta: number } }
  | 'binary_cross_entropy'
  | { cross_entropy: { class_weights: number[] | null, label_smoothing: number } }
  | 'poisson'
  | { quantile: { quantile: number } }

/** A loss that can be chosen. */
export interface LossChoice {
  value: Loss
  name: string
  natural_output: string
}

/** A classic mistake. */
export type Mistake =
  | 'not_transposed'
  | 'no_slope'
  | 'own_activation'
  | 'other_delta'
  | 'sum_for_mean'
  | 'wrong_sign'
  | 'no_target'
  | 'other_sign'
  | 'shortcut'
  | 'turned_over'
  | 'updated_first'
  | 'transposed'
  | 'no_bias'
  | 'bias_per_input'
  | 'skipped_activation'
  | 'applied_already'
  | 'slope_for_activation'
  | 'not_normalized'
  | 'no_exponential'
  | 'activation_for_slope'
  | 'slope_of_activation'
  | 'slope_with_z'
  | 'sigmoid_slope'
  | 'slope_too_early'
  | 'slope_twice'
  | 'one_sample'
  | 'mean_twice'
  | 'bias_input'
  | 'gradient_added'
  | 'no_rate'
  | 'change_only'
  | 'other_layer'
  | 'shapes_only'
  | 'inverse'
  | 'gradient_for_error'
  | 'slope_for_transpose'
  | 'loss_as_proof'
  | 'nothing_kept'

/** A mistake that can be chosen. */
export interface MistakeChoice {
  id: Mistake
  name: string
  formula: string | null
}

// POST api/documents NewDocument -> View

/** A new root: a worked example, or what a share link holds. */
export type NewDocument = { example: string } | { document: SharedDocument }

/** One revision of the document and its trace. */
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
  layers: Array<Layer>
  /** n_0 .. n_L */
  widths: Array<number>
  samples: number
  /** The row of the data that the batch begins with. */
  first_row: number
  /** How many rows there are to choose from. */
  available_rows: number
  loss_function: Loss
  loss_name: string
  learning_rate: number
  initialization: string
  seed: number
  input_names: Array<string> | null
  output_names: Array<string> | null
  /** Set where inputs are pixels of such an image. */
  image: Image | null
  /** Why delta(L) is computed as it is. */
  output_rule: OutputRule
  values: Array<Value>
  /** What is given before step 1. */
  given: string[]
  /** In the order of the lesson. */
  events: Array<TraceEvent>
  orders: Orders
}

/** The size of the images that inputs are pixels of. */
export interface Image {
  /** Pixels from top to bottom. */
  height: number
  /** Pixels from left to right. */
  width: number
}

/** What a value is: the page has a colour for each. A layer's tensors beyond weight and bias go by their numbers. */
export type Kind =
  | 'activation'
  | 'target'
  | 'pre_activation'
  | 'loss'
  | 'error'
  | 'slope'
  | 'delta'
  | 'weight'
  | 'weight_gradient'
  | 'updated_weight'
  | 'bias'
  | 'bias_gradient'
  | 'updated_bias'
  | `parameter_${number}`
  | `parameter_${number}_gradient`
  | `updated_parameter_${number}`

/** A layer. One without sigma has identity for it. */
export interface Layer {
  /** From 1. */
  number: number
  /** "dense", or another kind of layer. */
  kind: string
  inputs: number
  width: number
  activation: Activation
  activation_name: string
  bias: boolean
  parameters: number
  /** Whether an output depends on other inputs than the one in its own place. */
  mixes_inputs: boolean
}

/** A number that JSON carries whatever it is: `1.5`, `"NaN"`, `"Infinity"` or `"-Infinity"`. */
export type Num = number | 'NaN' | 'Infinity' | '-Infinity'

/** What an event computes: one of these, or the name of another kind of layer. */
export type Operation =
  | 'affine'
  | 'activation'
  | 'loss'
  | 'output_delta'
  | 'carry_back'
  | 'delta'
  | 'gradients'
  | 'update'
  | (string & {})

/** The ids of the events in an order, and the bytes of all values that exist after each of them. */
export interface Order {
  events: Array<number>
  live_bytes: Array<number>
}

/** The orders in which the events can be seen. */
export interface Orders {
  lesson: Order
  framework: Order
}

/** How delta(L) is computed. */
export interface OutputRule {
  /** The rule. */
  rule: RuleName
  /** Why, in two or three sentences. */
  reason: string
  /**
   * Whether the loss counts the targets as they are given: without smoothing and weights, and, for classes, with
   * a sum of 1.
   */
  targets_as_given: boolean
  /** Where the prediction has each target, smoothed and nothing else, taken off it: how it is smoothed. */
  smoothing: Smoothing | null
}

/** Which of the five steps an event belongs to. */
export type Phase = 'forward' | 'output_error' | 'backward' | 'gradients' | 'update'

/** The three ways to delta(L). */
export type RuleName = 'prediction_minus_target' | 'through_slope' | 'through_jacobian'

/** A smoothed target: `kept` y + `added`. */
export interface Smoothing {
  /** 1 - label_smoothing */
  kept: number
  /** label_smoothing over the number of classes. */
  added: number
}

/** One operation of the step. */
export interface TraceEvent {
  id: number
  phase: Phase
  layer: number
  operation: Operation
  /** The values that it reads. */
  operands: string[]
  /** The values that it computes. */
  outputs: string[]
  shape: Array<number>
  sentence: string
}

/**
 * A value of the trace. Names: "a.0" (inputs), "target", "weight.l", "bias.l", "z.l", "a.l", "loss", "error.l"
 * (dLoss/da(l)), "slope.l" (sigma'(z(l))), "delta.l", "weight_gradient.l", "bias_gradient.l", "updated_weight.l",
 * "updated_bias.l"; where a layer has more tensors of parameters, "parameter_2.l" and so on.
 */
export interface Value {
  name: string
  kind: Kind
  /** 0 for inputs, target and loss. */
  layer: number
  /** [rows, columns], [length] or []. */
  shape: Array<number>
  bytes: number
  /** The largest finite |value|. */
  scale: number
  root_mean_square: Num
  zeros: number
  non_finite: number
  /** Row by row; null where there are more than 4,096: then they are asked for by name. */
  values: Array<Num> | null
}

// GET api/revisions/N -> View

// GET api/revisions/N/document -> SharedDocument

/** A document as a link holds it, in JSON: opaque to the page, and of at most 20,000 numbers. */
export interface SharedDocument {
  format: 1
  [field: string]: unknown
}

// POST api/revisions/N/edits Edit -> EditReply

/** A change. */
export type Edit =
  | {
    kind: 'set'
    /** Which value. */
    name: string
    /** From 0; 0 for a bias. */
    row: number
    /** From 0. */
    column: number
    /** The number. */
    value: Num
  }
  | {
    kind: 'learning_rate'
    /** At least 0. */
    value: number
  }
  | {
    kind: 'activation'
    /** From 1. */
    layer: number
    /** The activation. */
    activation: Activation
  }
  | {
    kind: 'loss'
    /** The loss. */
    loss: Loss
    /** Whether the output layer gets the loss's natural activation. */
    suit_output: boolean
  }
  | {
    kind: 'layers'
    /** The dense layers. */
    layers: Array<LayerShape>
  }
  | {
    kind: 'initialize'
    /** The rule's name, or "suited". */
    rule: string
    /** What they are drawn from. */
    seed: number
  }
  | { kind: 'reset' }
  | {
    kind: 'batch'
    /** From 0. */
    first: number
    /** How many. */
    count: number
  }
  | {
    kind: 'iterate'
    /** How many. */
    count: number
  }

/** What an edit made. The revision that was edited stays as it is. */
export interface EditReply {
  view: View
  /** Every revision made, oldest first; the last one is the view's. */
  made: Array<Made>
}

/** A dense layer. */
export interface LayerShape {
  /** Neurons. */
  width: number
  /** Their activation. */
  activation: Activation
  /** Whether there is a bias. */
  bias: boolean
}

/** A revision that an edit made. */
export interface Made {
  revision: number
  label: string
  iteration: number
  loss: Num
}

// GET api/revisions/N/explain?Cell -> Explanation

/** An element of a value of the trace. Vectors have row 0; `loss` is [0, 0]. */
export interface Cell {
  /** Which value of the trace. */
  name: string
  /** From 0. */
  row: number
  /** From 0. */
  column: number
}

/**
 * How one number of the trace comes about.
 *
 * Without a divisor the last partial sum is the value, bit for bit. With the number of samples as divisor
 * the value is the last partial sum times the rounded 1 / B, except for the loss, which is divided. Two
 * kinds of delta(L) are not computed by the terms that explain them, and agree to rounding: dLoss/da times
 * sigma', where the engine divides by B last, and softmax's matrix. Softmax's own exponential is the first
 * term.
 */
export interface Explanation {
  /** Which number. */
  cell: Cell
  /** Its value. */
  value: Num
  /** The operation of its event; none for what is given. */
  operation: Operation | 'given'
  /** What the sum starts from, unless it is 0. */
  start: Factor | null
  /** In the order of the engine's sum. */
  terms: Array<Term>
  /** What the sum is divided by, if anything. */
  divisor: Num | null
  /** The function that is applied to the factors, where the operation is one. */
  function: string | null
  /** The same as a formula with its numbers, where that says more than the terms and is short enough to be read. */
  written: Written | null
  /** The operation, in words about this number. */
  sentence: string
}

/** A number in a formula. */
export interface Factor {
  /** Where it comes from; none for constants, and for numbers that the trace does not hold. */
  cell: Cell | null
  /** The number that the label names. */
  value: Num
  /** How to read it: `W(2)[1, 3]`, `a(1)[3] of sample 2`, `minus the learning rate`. Indices from 1. */
  label: string
}

/** Text or a number. */
export type Piece = { text: string } | { number: Factor }

/** One term of a sum. */
export interface Term {
  /** One or two numbers. */
  factors: Array<Factor>
  /** The product of two factors; with one, or where the explanation names a function, what becomes of them. */
  product: Num
  /** The sum up to here, rounded as the engine rounds. */
  partial: Num
}

/** A formula with its numbers. */
export interface Written {
  /** In symbols, where that says more: `a (1 - a)`. */
  formula: string | null
  /** From left to right; `*`, `/`, `^`, `exp`, `ln` and the like as in any program. */
  pieces: Array<Piece>
}

// GET api/revisions/N/neuron?AtNeuron -> NeuronReport

/** A neuron and a sample. */
export interface AtNeuron {
  layer: number
  neuron: number
  sample: number
}

/** A neuron, forward and backward. */
export interface NeuronReport {
  /** The dense layer, from 1. */
  layer: number
  /** From 0. */
  neuron: number
  /** From 0. */
  sample: number
  /** In model files. */
  activation_name: string
  /** z */
  pre_activation: Explanation
  /** a */
  activation: Explanation
  /** sigma'(z); none for softmax. At an output whose delta does without it the trace has no such value. */
  slope: Explanation | null
  /** Dots of the activation round z; none for softmax. */
  curve: Curve | null
  /** Whether it lets error through. */
  state: State
  /** The same in words. */
  state_sentence: string
  /** dLoss/da; none at the output layer. */
  error: Explanation | null
  /** dLoss/dz */
  delta: Explanation
  /** Set at the output layer. */
  output_rule: OutputRule | null
}

/** Dots of an activation. */
export interface Curve {
  /** Rising. */
  z: Array<number>
  /** sigma of each. */
  a: Array<Num>
}

/** Whether a neuron lets error through. */
export type State = 'active' | 'saturated' | 'blocked' | 'dead'

// GET api/revisions/N/edge?AtEdge -> EdgeReport

/** A weight and a sample. */
export interface AtEdge {
  layer: number
  to: number
  from: number
  sample: number
}

/** A weight for one sample. */
export interface EdgeReport {
  /** W(l)[to, from] */
  weight: Factor
  /** Its term of z(l)[to]. */
  forward: Term
  /** Its term of dLoss/da(l-1)[from]. */
  backward: Term
  /** dLoss/dw, over all samples. */
  gradient: Explanation
  /** w after the update. */
  update: Explanation
  /** From the weight to the outputs. */
  paths: Paths
}

/** One way from a weight to an output. */
export interface Path {
  /** The neurons passed, in layers l to L. */
  neurons: Array<number>
  /** a(l-1)[from], slopes and weights in turn, and at last delta(L) of the output. */
  factors: Array<Factor>
  /** Their product. */
  contribution: Num
}

/** The ways from a weight to the outputs, for one sample. */
export interface Paths {
  /** How many there are; the largest f64 where there are more. */
  count: number
  /** Those with the largest contributions, at most 64, largest first. */
  listed: Array<Path>
  /** The sum of all contributions: delta(l)[to] a(l-1)[from]. */
  total: Num
  /** Whether all are listed. */
  complete: boolean
}

// GET api/revisions/N/matrix?Named -> MatrixReport

/** A value of the trace. */
export interface Named {
  name: string
}

/** Norms and extremes of a matrix. */
export interface MatrixReport {
  /** Which value of the trace. */
  name: string
  /** Rows and columns. */
  shape: [number, number]
  /** Euclidean. */
  row_norms: Array<Num>
  /** Euclidean. */
  column_norms: Array<Num>
  /** The root of the sum of all squares. */
  frobenius_norm: Num
  /** The greatest number, sign included; the first of several. NaN counts only where there is nothing else. */
  largest: Cell
  /** The least. */
  smallest: Cell
}

// GET api/revisions/N/outer?AtOuter -> OuterReport

/** A layer's gradient. */
export interface AtOuter {
  layer: number
  /** Left out for the whole batch. */
  sample: number | null
}

/** An outer product, or the sum of those of all samples; of at most 4,096 cells. */
export interface OuterReport {
  /** The dense layer, from 1. */
  layer: number
  /** From 0; none for the whole batch. */
  sample: number | null
  /** delta(l) of the sample. */
  side: Array<Num> | null
  /** a(l-1) of the sample. */
  top: Array<Num> | null
  /** That of W(l). */
  shape: [number, number]
  /** Row by row. */
  values: Array<Num>
}

// GET api/revisions/N/layer?AtLayer -> LayerReport

/** A layer. */
export interface AtLayer {
  layer: number
}

/** Costs and gains of a layer. */
export interface LayerReport {
  /** The dense layer, from 1. */
  layer: number
  /** Weights and biases. */
  parameters: number
  /** Of the whole batch. */
  flops: LayerFlops
  /** Of the values that the layer has in the trace. */
  bytes: LayerBytes
  /** None at the output layer. */
  gain: Gain | null
  /** Neurons whose slope is below 5 % of the activation's largest for every sample, those dead not counted. */
  saturated: number
  /** Neurons whose slope is 0 for every sample. */
  dead: number
  /** All of them. */
  neurons: number
}

/** Root-mean-square sizes of the error signal on its way through a layer, and their ratios. */
export interface Gain {
  /** delta(l+1) */
  delta_above: Num
  /** dLoss/da(l) */
  error: Num
  /** delta(l) */
  delta: Num
  /** error / delta_above */
  through_weights: Num
  /** delta / error */
  through_slope: Num
  /** delta / delta_above */
  whole: Num
}

/** Eight bytes a number. */
export interface LayerBytes {
  /** W */
  weight: number
  /** b */
  bias: number
  /** z */
  pre_activation: number
  /** a */
  activation: number
  /** delta */
  delta: number
  /** dW and db */
  gradients: number
}

/** Two for each multiplication with its addition. */
export interface LayerFlops {
  /** z = a W^T */
  forward: number
  /** delta W, what the layer below receives; 0 for layer 1. */
  carry_back: number
  /** delta^T a */
  gradients: number
  /** W - eta dW and b - eta db */
  update: number
}

// GET api/revisions/N/loss -> LossReport

/** The loss of a batch and what it is the mean of. */
export interface LossReport {
  /** The batch's loss. */
  loss: Num
  /** Its name in model files. */
  loss_name: string
  /** Its formula for one sample. */
  formula: string
  /** One entry for each sample. */
  samples: Array<SampleLoss>
}

/** One sample's loss. */
export interface SampleLoss {
  /** Which sample, from 0. */
  sample: number
  /** Its loss. */
  loss: Num
  /** a(L) */
  outputs: Array<Factor>
  /** y */
  targets: Array<Factor>
  /** The targets as the loss counts them, with how they come about; none where they are as given. */
  counted: Array<Factor> | null
  /** The loss with its numbers, where it is short enough to be read. */
  written: Written | null
}

// GET api/revisions/N/input?AtInput -> InputReport

/** An input and a sample. */
export interface AtInput {
  column: number
  sample: number
}

/** An input of one sample. */
export interface InputReport {
  /** a(0)[column] */
  value: Factor
  /** For each neuron of layer 1 the input's term of its z, with the partial sum there. */
  terms: Array<Term>
  /** dLoss/da(0)[column]; a cell that the trace does not have. */
  sensitivity: Explanation
}

// POST api/revisions/N/check/cell Cell -> CellCheck

/** One parameter's derivative, both ways. */
export interface CellCheck {
  /** Which parameter. */
  cell: Cell
  /** dLoss/dw of the trace. */
  backpropagated: Num
  /** (loss_up - loss_down) / 2h */
  numerical: Num
  /** The step; w itself may have any unit, h has the same. */
  h: number
  /** w */
  value: Num
  /** Loss(w + h) */
  loss_up: Num
  /** Loss(w - h) */
  loss_down: Num
  /** Leading digits that the two derivatives have in common, or to which they round alike, 0 to 16. */
  digits: number
  /** The engine's, which extrapolates where the plain difference is not good enough. */
  verdict: Verdict
  /** The verdict in words. */
  sentence: string
  /** What passes a kink between w - h and w + h. */
  kink: string | null
  /** From large h to small. */
  curve: Array<CurvePoint>
}

/** A difference with one h. */
export interface CurvePoint {
  /** The step. */
  h: number
  /** (Loss(w + h) - Loss(w - h)) / 2h; NaN where h is too small to move w. */
  numerical: Num
  /** |numerical - backpropagated| */
  error: Num
  /** Whether something passes a kink. */
  at_kink: boolean
}

/** What a comparison says. */
export type Verdict = 'agrees' | 'kink' | 'differs'

// POST api/revisions/N/check/all -> CheckReport

/** All parameters, or some of each tensor. The check ends when its request is aborted. */
export interface CheckReport {
  /** The revision that was asked about. */
  revision: number
  /** Whether all that was compared agrees, and anything was compared. */
  passed: boolean
  /** The same in words. */
  sentence: string
  /** The largest relative error that passes. */
  tolerance: number
  /** Weights and biases, in the order of the layers. */
  tensors: Array<TensorCheck>
  /** Set where not all cells were checked: how many of how many, and why. */
  sampled: string | null
}

/** One cell of a tensor. */
export interface CheckedCell {
  /** From 0. */
  row: number
  /** From 0. */
  column: number
  /** dLoss/dw of the trace. */
  backpropagated: Num
  /** By differences; at a kink the plain one, which means nothing. */
  numerical: Num
  /** As in `Comparison`; NaN at a kink. */
  relative_error: Num
  /** The verdict. */
  verdict: Verdict
}

/** One tensor of parameters. */
export interface TensorCheck {
  /** As in the trace. */
  name: string
  /** As in the trace. */
  shape: Array<number>
  /** Cells compared. */
  compared: number
  /** Cells with a kink within every step. */
  at_kink: number
  /** Those compared and those at a kink. */
  cells: Array<CheckedCell>
  /** The cell with the largest relative error, by its place in `cells`. */
  worst: number | null
}

// GET api/revisions/N/quiz?AtQuiz -> Quiz

/** Which quiz. */
export interface AtQuiz {
  /** What the questions are drawn with. */
  seed: number
  /** How many questions; there may be fewer. */
  count: number
  /** One of the five steps; left out for all. */
  phase: string | null
  /** Concepts, with commas between them; left out for all. */
  concepts: string | null
}

/** A quiz. */
export interface Quiz {
  /** What its questions were drawn with. */
  seed: number
  /** In the order in which they are asked. */
  questions: Array<QuizQuestion>
}

/** What a question is about, for the score. */
export type Concept = 'transpose' | 'slope' | 'forward' | 'shapes' | 'output_error' | 'gradients' | 'batch' | 'update'

/** How a question is answered. */
export type Form =
  | {
    kind: 'choices'
    /** In the order in which they are shown. */
    choices: Array<string>
  }
  | {
    kind: 'number'
    /** How exactly, in words. */
    tolerance: string
  }
  | { kind: 'shape' }

/** A cell whose number is needed for the answer, and is known before it. */
export interface GivenCell {
  /** Which number. */
  cell: Cell
  /** How to read it. */
  label: string
}

/** A question of a quiz. It holds no number of the trace. */
export interface QuizQuestion {
  /** Its place in the quiz, from 1. */
  number: number
  /** The kind of question. */
  kind: string
  /** What it is about. */
  concept: Concept
  /** The step that it is about. */
  phase: Phase
  /** The question. */
  prompt: string
  /** How it is answered. */
  form: Form
  /** The cell that it asks for, or that shows what it asks about. */
  cell: Cell
  /** The event that computes the cell; none for what is given. */
  event: number | null
  /** The numbers that the answer is made of. */
  given: Array<GivenCell>
}

// POST api/revisions/N/quiz/answer QuizAnswer -> QuizVerdict

/** An answer to a question of a quiz. */
export interface QuizAnswer {
  /** As the quiz was asked for. */
  seed: number
  /** As the quiz was asked for. */
  phase: string | null
  /** As the quiz was asked for. */
  concepts: string | null
  /** The question's, from 1. */
  number: number
  /** The answer. */
  answer: Answered
}

/** What is said of an answer. */
export interface QuizVerdict {
  /** Whether it is right. */
  right: boolean
  /** The mistake that gives it. */
  mistake: Mistake | null
  /** What the mistake is called. */
  name: string | null
  /** What is to be said. */
  words: string
  /** The right answer in words; to four digits where it is a number of the trace. */
  answer: string | null
  /** Why it is right. */
  why: string
  /** Where the stage shows it. */
  cell: Cell
  /** The event that computes the cell; none for what is given. */
  event: number | null
  /** Where the lesson speaks of it. */
  paragraph: Paragraph
}

/** An answer. */
export type Answered = { choice: number } | { number: Num } | { shape: [number, number] }

/** A paragraph of the lesson. */
export interface Paragraph {
  /** Its chapter. */
  chapter: string
  /** Its name in the chapter. */
  passage: string
}

// GET api/revisions/N/sabotage?AtSabotage -> SabotageReport

/** A mistake, and how many updates are made with it. */
export interface AtSabotage {
  mistake: Mistake
  iterations: number
}

/** A step with a mistake. */
export interface SabotageReport {
  /** The mistake. */
  mistake: Mistake
  /** What it is called. */
  name: string
  /** The formula that it makes. */
  formula: string
  /** What is to be said of it. */
  words: string
  /** Where the lesson speaks of it. */
  paragraph: Paragraph
  /** Whether all shapes fit. */
  fits: boolean
  /** Why shapes cannot tell, or where they clash; where the mistake changes nothing, why. */
  shapes: string
  /** What its gradients are beside finite differences; none where the shapes clash or it cannot be made. */
  checked: SabotageCheck | null
  /** The losses with its gradients beside those with the right ones; none where there are no such gradients. */
  losses: Losses | null
}

/** Losses of iterations, the first one before any update. */
export interface Losses {
  /** With the gradients of the mistake. */
  mistaken: Array<Num>
  /** With the right ones. */
  right: Array<Num>
  /** Whether the loss still falls, in words. */
  sentence: string
}

/** The gradients of a step with a mistake. */
export interface SabotageCheck {
  /** Every cell beside finite differences. */
  report: CheckReport
  /** How many numbers the mistake changes, of those that were compared. */
  changed: number
  /** How many of them differences find wrong. */
  found: number
  /** How many differences find wrong that the mistake does not change. */
  found_elsewhere: number
  /** The same in words. */
  sentence: string
}

// GET api/revisions/N/film?AskedFilm -> Film

/** A film of a step, which shows one sample. */
export interface AskedFilm {
  kind: FilmKind
  sample: number
}

/** What a film is, before any of its frames. */
export interface Film {
  title: string
  /** In seconds. */
  duration: number
  /** When each event of the trace begins. */
  events: Array<number>
  /** What is said, and when. */
  captions: Array<Caption>
  /** The same as a file of WebVTT. */
  web_vtt: string
  /** The loss after the update. */
  loss_after: Num
}

/** A sentence and when it is on the screen, in seconds. */
export interface Caption {
  /** When it comes. */
  from: number
  /** When it goes. */
  until: number
  /** What it says. */
  text: string
}

/** How much is told. */
export type FilmKind = 'pass' | 'lesson'

// GET api/revisions/N/film/frame?AskedFrame -> Svg

/** A picture of the film. */
export interface AskedFrame {
  kind: FilmKind
  sample: number
  /** Seconds from the beginning. */
  time: number
  theme: Theme
  /** In pixels, as the height. */
  width: number
  height: number
}

/** A picture (image/svg+xml). */
export type Svg = string

/** Light or dark. */
export type Theme = 'light' | 'dark'

// GET api/revisions/N/film/animated?AskedAnimation -> Svg

/** The film as one picture that moves. */
export interface AskedAnimation {
  kind: FilmKind
  sample: number
  theme: Theme
}

// POST api/multiply Pair -> Product

/** Two matrices of at most 8 x 8 each. */
export interface Pair {
  a: Array<Array<Num>>
  b: Array<Array<Num>>
}

/** A B, both sides of (A B)^T = B^T A^T, and the terms. */
export interface Product {
  /** A B */
  product: Array<Array<Num>>
  /** (A B)^T */
  product_transposed: Array<Array<Num>>
  /** B^T A^T, multiplied out. */
  transposes_multiplied: Array<Array<Num>>
  /** For each element of A B: a, b and their product, in the order of the sum. */
  terms: Array<Array<Array<[Num, Num, Num]>>>
}

// GET api/revisions/N/trace -> TraceFile

/** A step with every number of its trace, in JSON. */
export interface TraceFile {
  trace_format: 1
  [field: string]: unknown
}

// POST api/traces TraceFile -> OpenedTrace

/** What a file opened, and whether its numbers are right. */
export interface OpenedTrace {
  view: View
  verified: Verified
}

/** A number that a file has in another way. */
export interface Difference {
  name: string
  /** From 0; 0 in a vector. */
  row: number
  /** From 0. */
  column: number
  /** In the file; none where it has no such number. */
  in_file: Num | null
  /** As it is computed here. */
  computed: Num
}

/** How the numbers of a file compare with those that are computed here. */
export interface Verified {
  /** Numbers compared. */
  numbers: number
  /** Numbers that are not the same, bit for bit. */
  different: number
  /** The first of them. */
  differences: Array<Difference>
  /** The same in words. */
  sentence: string
}
