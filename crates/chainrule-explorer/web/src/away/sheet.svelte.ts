// The sheet to print: whether it is being printed, and why it cannot be.
import { explorer } from '../lib/explorer.svelte'

/** Rows and columns of a matrix that can be filled in by hand. */
const LARGEST = 8

class SheetState {
  /** It is on the page, for the printer alone. */
  printing = $state(false)

  get refusal(): string | null {
    const view = explorer.view
    const largest = Math.max(...(view?.widths ?? [0]), view?.samples ?? 0)
    return largest > LARGEST ? `A sheet is for networks of at most ${LARGEST} neurons a layer and ${LARGEST} samples; this one has ${largest}.` : null
  }
}

export const sheet = new SheetState()
