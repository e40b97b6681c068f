// Where one stands in a view: what a link and the address hold beside the document.
import type { Cell } from './contract'
import type { Selection, Tab } from './selection.svelte'

export interface Look {
  /** How many events are computed. */
  position: number
  order: 'lesson' | 'framework'
  /** The sample that is shown; null for all. */
  sample: number | null
  selection: Selection | null
  cell: Cell | null
  tab: Tab
  /** The number of the quiz, if one was begun. */
  quiz: number | null
}
