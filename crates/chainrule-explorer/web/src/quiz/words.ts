// How the quiz calls what it asks about, and the engine's text in the page's symbols.
import type { Concept } from '../lib/contract'
import { withSymbols } from '../lib/format'

export const CONCEPTS: Record<Concept, string> = {
  transpose: 'Transpose', slope: 'Slope σ′', forward: 'Forward pass', shapes: 'Shapes', output_error: 'Output error',
  gradients: 'Gradients', batch: 'Batch and mean', update: 'Update',
}

/** "4 x 2" is 4×2, the sign between factors of the same place is ⊙, and no line ends within "l-1". */
export const inSymbols = (text: string): string =>
  withSymbols(text.replaceAll(' * ', ' ⊙ ').replace(/\bl-1\b/g, 'l−1')).replace(/\b[sS]igma\b/g, 'σ').replaceAll('(-', '(−').replace(/(\d) x (?=\d)/g, '$1×')
