// Where the learner is: the open chapter, and the passage whose picture is on the stage.
import { tick } from 'svelte'
import type { Cell, Operation, Phase } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'

export type ChapterId = 'beginning' | Phase | 'speed' | 'transpose' | 'assemble' | 'memory'

class Place {
  chapter = $state<ChapterId>('beginning')
  /** What was shown last, as long as the cursor stands there. */
  shown = $state.raw<{ what: string; position: number } | null>(null)

  /** The learner's own turn of the page: the title takes the focus, so that reading goes on there. */
  async turnTo(chapter: ChapterId) {
    this.chapter = chapter
    await tick()
    document.getElementById('lesson-title')?.focus()
  }
}

export const place = new Place()

/** The kinds of layers that the lesson has no words for: it speaks of dense ones. */
export const otherKinds = () => [...new Set(explorer.view!.layers.map((layer) => layer.kind).filter((kind) => kind !== 'dense'))]

/** Moves the cursor behind an event and puts one cell on the stage; the rail stays on the lesson. */
export function see(operation: Operation, layer?: number, cell?: Cell) {
  explorer.show(operation, layer)
  if (cell) explorer.selectCell(cell)
}
