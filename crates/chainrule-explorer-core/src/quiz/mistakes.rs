//! The classic mistakes of backpropagation: their names, what to say to who makes one, and where the lesson speaks
//! of it. What the backward pass computes with one of them is in `backward`.

use chainrule::Network;
use serde::{Deserialize, Serialize};

use crate::words::counted;

/// A paragraph of the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Paragraph {
    /// Its chapter.
    pub chapter: &'static str,
    /// Its name in the chapter.
    pub passage: &'static str,
}

/// What is said of a mistake.
struct Said {
    name: &'static str,
    words: &'static str,
    /// The formula that it makes, for those that a whole backward pass can be computed with.
    formula: Option<&'static str>,
    paragraph: Paragraph,
}

macro_rules! mistakes {
    ($($mistake:ident $chapter:literal $passage:literal $name:literal $(as $formula:literal)? : $words:literal)*) => {
        /// A classic mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS))]
        #[serde(rename_all = "snake_case")]
        pub enum Mistake {
            $(#[doc = $name] $mistake,)*
        }

        impl Mistake {
            /// All of them.
            pub const ALL: &[Mistake] = &[$(Mistake::$mistake,)*];

            fn said(self) -> Said {
                match self {
                    $(Mistake::$mistake => Said {
                        name: $name,
                        words: $words,
                        formula: None::<&str>$(.or(Some($formula)))?,
                        paragraph: Paragraph { chapter: $chapter, passage: $passage },
                    },)*
                }
            }
        }
    };
}

mistakes! {
    NotTransposed "backward" "transpose" "W in place of W^T" as "delta(l) = (W(l+1) delta(l+1)) * sigma'(z(l))":
        "The weights were read by rows, as in the forward pass. Backward, neuron k needs the weights of what it sent out: they stand in column k, which is row k of the transpose."
    NoSlope "backward" "slope" "no sigma'" as "delta(l) = W(l+1)^T delta(l+1)":
        "The slope was left out. What arrives tells how the loss reacts to a; delta is its reaction to z, on the other side of sigma, and so it is multiplied by sigma'(z)."
    OwnActivation "gradients" "weight-gradient" "a(l) in place of a(l-1)" as "dW(l) = delta(l) a(l)^T":
        "The layer's own activation was taken. A weight multiplies what comes in, the activation of the layer before: that is what its gradient contains."
    OtherDelta "gradients" "weight-gradient" "delta of the wrong layer" as "dW(l) = delta(l+1) a(l-1)^T, db(l) = delta(l+1)":
        "The error signal of another layer was taken. A layer's gradients come from its own delta, the one with as many numbers as the layer has neurons."
    SumForMean "output_error" "batch" "the sum in place of the mean" as "delta(L) without the division by B":
        "The samples were added up and not divided by their number. The loss is a mean, so 1/B belongs into delta(L), once."
    WrongSign "output_error" "output-delta" "the wrong sign" as "delta(L) with the opposite sign":
        "The sign is the other one. A positive delta, or a positive gradient, says that the loss would rise with what it belongs to; a negative one, that it would fall."
    NoTarget "output_error" "output-delta" "the target forgotten":
        "The prediction was taken as the error. What counts is how far it is from its target: a - y, also where y is small."
    OtherSign "forward" "sum" "the other sign":
        "The size is right and the sign is not: look at the sign of each number that goes in, and at each minus of the formula."
    Shortcut "output_error" "rule" "a - y where it does not hold" as "delta(L) = (a(L) - y) / B":
        "Prediction minus target was taken. It holds only where the output activation is made for the loss; here something is left over that has to be multiplied in."
    TurnedOver "gradients" "outer" "the product turned over" as "dW(l) = a(l-1) delta(l)^T":
        "Rows and columns changed places. In the lesson's formulas a layer's neurons go down the side; a gradient has one row for each neuron and one column for each input, as W has."
    UpdatedFirst "update" "order" "updated before carried back" as "W(l+1) is updated before it carries delta(l+1) back":
        "The weights were changed before the error had passed them. All gradients belong to the weights that made the prediction, so updates come last."
    Transposed "forward" "rows" "W^T in place of W":
        "The weights were read by columns. Forward, row j of W collects what goes into neuron j; the transpose is for the way back."
    NoBias "forward" "sum" "the bias left out":
        "The bias is missing. It has no input to be multiplied with, but it belongs to the neuron's sum and is learned like the weights."
    BiasPerInput "forward" "sum" "a bias for each input":
        "The biases were counted by inputs. Each neuron has one bias, however many inputs it has."
    SkippedActivation "forward" "activation" "sigma left out":
        "The z was taken as it is. What a layer hands on is a = sigma(z)."
    AppliedAlready "forward" "activation" "a in place of z":
        "Sigma was applied once too often. The sum of a neuron is z; a layer applies sigma to it once, and a comes out."
    SlopeForActivation "forward" "activation" "sigma' in place of sigma":
        "That is the slope at z. Forward, z goes through sigma itself; its slope is for the way back."
    NotNormalized "forward" "activation" "exp(z) without the division":
        "That is the power of e alone. Softmax divides it by the sum of all, so that the outputs are shares of 1."
    NoExponential "forward" "activation" "shares of z, without exp":
        "That is the share that z has of the sum of all z. Softmax takes e to the power of each z first, so that all shares are positive."
    ActivationForSlope "backward" "slope" "a in place of sigma'":
        "That uses the activation. The valve on the way back is the slope of sigma at z, how far a moves when z does."
    SlopeOfActivation "backward" "slope" "sigma' taken at a":
        "The slope was taken at a. It is that of sigma at z; written with a, it already is the formula in which a stands for sigma(z)."
    SlopeWithZ "backward" "slope" "z in the formula for a":
        "The formula of the slope is written with a, and z was put in. Written with a it is short because sigma(z) is known already."
    SigmoidSlope "backward" "slope" "sigmoid's slope for another activation":
        "a (1 - a) is the slope of sigmoid. Each activation has its own, and this layer has another activation."
    SlopeTooEarly "backward" "arrives" "sigma' multiplied in too early":
        "That is delta(l) already. What arrives at the neuron is the sum of what comes back, before its own slope."
    SlopeTwice "output_error" "rule" "a slope that has cancelled":
        "The slope was multiplied in once more. With this loss and output it has cancelled: prediction minus target is the whole of it."
    OneSample "gradients" "batch-sum" "one sample in place of all":
        "That is the part of one sample. The loss and the gradients of a batch are made of all its samples."
    MeanTwice "output_error" "batch" "the mean taken twice":
        "It was divided by the number of samples once more. The 1/B is in delta(L) from the start, and whatever is summed later is a mean already."
    BiasInput "gradients" "bias-gradient" "an input for a bias":
        "That is the gradient of a weight. A bias is a weight whose input is always 1, so its delta is multiplied by nothing else."
    GradientAdded "update" "step" "uphill in place of downhill":
        "The step was added. A gradient points to where the loss rises, so it is taken off."
    NoRate "update" "step" "the learning rate left out":
        "The whole gradient was taken off. It is multiplied by the learning rate first."
    ChangeOnly "update" "step" "the change in place of the new number":
        "That is the change alone. It is added to the parameter as it was."
    OtherLayer "forward" "rows" "the numbers of another layer":
        "That belongs to another layer. W(l) has one row for each neuron of layer l and one column for each neuron of the layer before."
    ShapesOnly "backward" "transpose" "trust in shapes":
        "Shapes that fit are needed, and they do not suffice: every number could stand in a wrong place, or lack a factor, in a matrix of the right shape."
    Inverse "backward" "transpose" "the transpose taken for an inverse":
        "Nothing is undone. The transpose has the same numbers as W, read from their other end; what comes back are errors, not activations, and W need not even have an inverse."
    GradientForError "backward" "arrives" "a gradient taken for an error signal":
        "A gradient belongs to weights, an error signal to neurons. Gradients are made from error signals, when all of these are there."
    SlopeForTranspose "backward" "slope" "sigma' and the transpose mixed up":
        "That is what sigma'(z) does, neuron by neuron. The transpose is what leads from the neurons of one layer to those of another."
    LossAsProof "output_error" "rule" "a falling loss taken for a proof":
        "A loss may well fall with wrong gradients: it is enough that they point less than 90 degrees away from the right direction. It says nothing about each number."
    NothingKept "forward" "kept" "nothing kept":
        "Without what the forward pass has kept, the backward pass would have to compute it again: it needs a for the gradients and z for the slopes."
}

impl Mistake {
    /// What it is called.
    pub fn name(self) -> &'static str {
        self.said().name
    }

    /// What to say to who makes it.
    pub fn words(self) -> &'static str {
        self.said().words
    }

    /// The formula that it makes; none where no whole backward pass is computed with it.
    pub fn formula(self) -> Option<&'static str> {
        self.said().formula
    }

    /// Where the lesson speaks of it.
    pub fn paragraph(self) -> Paragraph {
        self.said().paragraph
    }

    /// Those that a whole backward pass can be computed with.
    pub fn of_the_backward_pass() -> impl Iterator<Item = Mistake> {
        Mistake::ALL.iter().copied().filter(|mistake| mistake.formula().is_some())
    }

    /// Whether the network has what the mistake goes wrong with: some need a hidden layer.
    pub fn can_be_made(self, network: &Network) -> bool {
        let is_of_hidden_layers = matches!(
            self,
            Mistake::NotTransposed | Mistake::NoSlope | Mistake::OtherDelta | Mistake::UpdatedFirst
        );
        network.depth() > 1 || !is_of_hidden_layers
    }

    /// Why shapes cannot tell that it was made in this network of dense layers.
    ///
    /// # Errors
    /// Where they can: says where they clash.
    pub fn fits(self, network: &Network) -> Result<String, String> {
        let (depth, n) = (network.depth(), |l: usize| network.width(l));
        let clash = |clash: Option<String>| clash.map_or(Ok(()), Err);
        match self {
            Mistake::NotTransposed => {
                clash((2..=depth).rev().find(|&l| n(l) != n(l - 1)).map(|l| {
                    let (rows, columns) = (n(l), n(l - 1));
                    format!(
                        "W({l}) is {rows} x {columns}, and delta({l}) has {}: in W({l}) delta({l}) the inner \
                         dimensions are {columns} and {rows}, which clash. Here the shapes alone give the mistake away.",
                        counted(rows, "row", "rows")
                    )
                }))?;
            }
            Mistake::OwnActivation => {
                clash((1..=depth).rev().find(|&l| n(l) != n(l - 1)).map(|l| {
                    let (rows, columns) = (n(l), n(l - 1));
                    format!(
                        "delta({l}) a({l})^T is {rows} x {rows}, and W({l}) is {rows} x {columns}: such a gradient could not be \
                         taken off. Here the shapes alone give the mistake away."
                    )
                }))?;
            }
            Mistake::OtherDelta => {
                clash((1..depth).rev().find(|&l| n(l + 1) != n(l)).map(|l| {
                    let (rows, columns, above) = (n(l), n(l - 1), l + 1);
                    format!(
                        "delta({above}) a({})^T is {} x {columns}, and W({l}) is {rows} x {columns}: such a gradient could not be \
                         taken off. Here the shapes alone give the mistake away.",
                        l - 1,
                        n(above)
                    )
                }))?;
            }
            Mistake::TurnedOver => {
                clash((1..=depth).rev().find(|&l| n(l) != n(l - 1)).map(|l| {
                    let (rows, columns) = (n(l), n(l - 1));
                    format!(
                        "a({}) delta({l})^T is {columns} x {rows}, and W({l}) is {rows} x {columns}: such a gradient could not be \
                         taken off. Here the shapes alone give the mistake away.",
                        l - 1
                    )
                }))?;
            }
            _ => {}
        }
        if !self.can_be_made(network) {
            return Ok(
                "This network has no hidden layer: nothing is carried back, and the mistake cannot be \
                       made."
                    .to_owned(),
            );
        }
        Ok(match self {
            Mistake::NotTransposed => {
                let squares: Vec<String> =
                    (2..=depth).map(|l| format!("W({l}) is {} x {}", n(l), n(l - 1))).collect();
                format!(
                    "{}: W and W^T have the same shape, so both products can be formed, and both results have the \
                     right shape. Only the numbers tell.",
                    squares.join(", ")
                )
            }
            Mistake::OwnActivation | Mistake::OtherDelta | Mistake::TurnedOver => format!(
                "All the layers that are mixed up are {} wide, so the wrong product has the right shape. Only the numbers tell.",
                n(depth)
            ),
            _ => "All shapes are right: the mistake changes numbers and not their places. Only the numbers tell.".to_owned(),
        })
    }
}
