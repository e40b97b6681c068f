// The five steps in their order, and what they are called.
import type { Phase } from './contract'

export const PHASES: Phase[] = ['forward', 'output_error', 'backward', 'gradients', 'update']
export const PHASE_TITLES: Record<Phase, string> = {
  forward: 'Forward', output_error: 'Output error', backward: 'Backward', gradients: 'Gradients', update: 'Update',
}
