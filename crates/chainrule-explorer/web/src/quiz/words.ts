// How the quiz calls what it asks about, and the engine's text in the page's symbols.
import type { Concept } from '../lib/contract'
import { withSymbols } from '../lib/format'

export const CONCEPTS: Record<Concept, string> = {
  transpose: 'Transpose', slope: 'Slope σ′', forward: 'Forward pass', shapes: 'Shapes', output_error: 'Output error',
  gradients: 'Gradients', batch: 'Batch and mean', update: 'Update',
}

/** "4 x 2" is 4×2, and the sign between factors of the same place is ⊙. */
export const inSymbols = (text: string): string =>
  withSymbols(text).replace(/\bsigma\b/g, 'σ').replaceAll(' * ', ' ⊙ ').replaceAll('^2', '²').replaceAll('(-', '(−').replace(/(\d) x (?=\d)/g, '$1×')
