//! All kinds of questions, step by step.

mod backward;
mod forward;
mod gradients;
mod output_error;
mod source;
mod update;

use chainrule::trace::Stage;

use super::mistakes::Paragraph;
use super::posed::{Concept, Draft};
pub(super) use source::Source;

/// A kind of question.
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) concept: Concept,
    pub(super) phase: Stage,
    /// Where the lesson speaks of it.
    pub(super) paragraph: Paragraph,
    /// Draws a question of it; none where it makes no sense. Another draw may give another cell.
    pub(super) draft: fn(&mut Source<'_>) -> Option<Draft>,
}

macro_rules! kinds {
    ($($id:literal $concept:ident $phase:ident $chapter:literal $passage:literal $draft:path;)*) => {
        /// All of them, in the order of the five steps.
        pub(super) const KINDS: &[Kind] = &[$(Kind {
            id: $id,
            concept: Concept::$concept,
            phase: Stage::$phase,
            paragraph: Paragraph { chapter: $chapter, passage: $passage },
            draft: $draft,
        },)*];
    };
}

kinds! {
    "sum_number" Forward Forward "forward" "sum" forward::sum_number;
    "activation_number" Forward Forward "forward" "activation" forward::activation_number;
    "softmax_number" Forward Forward "forward" "activation" forward::softmax_number;
    "sum_shape" Shapes Forward "forward" "rows" forward::sum_shape;
    "weight_shape" Shapes Forward "forward" "rows" forward::weight_shape;
    "parameter_count" Shapes Forward "forward" "sum" forward::parameter_count;
    "kept" Forward Forward "forward" "kept" forward::kept;
    "row_of_weights" Forward Forward "forward" "rows" forward::row_of_weights;
    "loss_of_batch" Batch OutputError "output_error" "batch" output_error::loss_of_batch;
    "short_form" OutputError OutputError "output_error" "rule" output_error::short_form;
    "sign_of_delta" OutputError OutputError "output_error" "output-delta" output_error::sign_of_delta;
    "output_delta_number" OutputError OutputError "output_error" "output-delta" output_error::output_delta_number;
    "output_delta_shape" Shapes OutputError "output_error" "output-delta" output_error::output_delta_shape;
    "batch_division" Batch OutputError "output_error" "batch" output_error::batch_division;
    "transpose_origin" Transpose Backward "backward" "transpose" backward::transpose_origin;
    "transpose_role" Transpose Backward "backward" "arrives" backward::transpose_role;
    "transpose_shape" Transpose Backward "transpose" "flip" backward::transpose_shape;
    "transpose_square" Transpose Backward "backward" "transpose" backward::transpose_square;
    "transpose_column" Transpose Backward "backward" "transpose" backward::transpose_column;
    "carried_shape" Shapes Backward "backward" "transpose" backward::carried_shape;
    "carried_number" Transpose Backward "backward" "arrives" backward::carried_number;
    "slope_role" Slope Backward "backward" "slope" backward::slope_role;
    "slope_number" Slope Backward "backward" "slope" backward::slope_number;
    "flat_neuron" Slope Backward "backward" "slope" backward::flat_neuron;
    "delta_number" Slope Backward "backward" "slope" backward::delta_number;
    "delta_shape" Shapes Backward "backward" "slope" backward::delta_shape;
    "gradient_entry" Gradients Gradients "gradients" "outer" gradients::gradient_entry;
    "silent_input" Gradients Gradients "gradients" "outer" gradients::silent_input;
    "gradient_shape" Shapes Gradients "gradients" "outer" gradients::gradient_shape;
    "weight_gradient_number" Gradients Gradients "gradients" "weight-gradient" gradients::weight_gradient_number;
    "bias_gradient_number" Gradients Gradients "gradients" "bias-gradient" gradients::bias_gradient_number;
    "bias_gradient" Gradients Gradients "gradients" "bias-gradient" gradients::bias_gradient;
    "proof" Gradients Gradients "output_error" "rule" gradients::proof;
    "direction" Update Update "update" "step" update::direction;
    "order" Update Update "update" "order" update::order;
    "updated_weight_number" Update Update "update" "step" update::updated_weight_number;
    "updated_bias_number" Update Update "update" "step" update::updated_bias_number;
}
