// What is looked at: the cell on the stage, the sample, what the inspector shows, and the tab.
import type { Cell, TraceEvent } from './contract'
import { dimensions, PER_SAMPLE } from './format'
import type { Session } from './session.svelte'
import type { Tensors } from './tensors.svelte'
import type { Stop } from './walk'

/** What the inspector shows. */
export type Selection =
  | { target: 'neuron'; layer: number; neuron: number; direction: 'forward' | 'backward' }
  | { target: 'edge'; layer: number; to: number; from: number }
  | { target: 'matrix'; name: string }
  | { target: 'gradient'; layer: number }
  | { target: 'layer'; layer: number }
  | { target: 'loss' }
  | { target: 'input'; column: number }

export type Tab = 'lesson' | 'inspector' | 'check' | 'quiz' | 'log'
export const TABS: { id: Tab; title: string }[] = [
  { id: 'lesson', title: 'Lesson' }, { id: 'inspector', title: 'Inspector' }, { id: 'check', title: 'Check' },
  { id: 'quiz', title: 'Quiz' }, { id: 'log', title: 'Log' },
]

/** The cells that the explained one is made of, and the two of the product that is being added: marked in the grids. */
export interface Operands {
  all: Set<string>
  current: Set<string>
}

export class Selected {
  selection = $state.raw<Selection | null>(null)
  operands = $state.raw<Operands>({ all: new Set(), current: new Set() })
  /** The cell that the stage explains. */
  cell = $state.raw<Cell | null>(null)
  /** The sample that is shown; null for all. */
  chosenSample = $state<number | null>(null)
  tab = $state<Tab>('lesson')
  /** The number of the quiz that was begun, or that a link names. */
  quiz = $state<number | null>(null)
  /** Whether a link named a quiz by what is no number of one. */
  isQuizRefused = $state(false)
  /** How often the key for a check was pressed: the panel answers each. */
  checksAsked = $state(0)
  /** Whether the matrix inspector shows the transpose. */
  flipped = $state(false)

  #session: Session
  #tensors: Tensors

  /** One sample at a time in the network and the inspector. */
  sample = $derived.by(() => Math.min(this.chosenSample ?? 0, (this.#session.view?.samples ?? 1) - 1))

  constructor(session: Session, tensors: Tensors) {
    this.#session = session
    this.#tensors = tensors
  }

  select(selection: Selection | null, openInspector = true) {
    this.selection = selection
    if (selection && openInspector) this.tab = 'inspector'
  }

  /** A cell is pinned on the stage, and the inspector shows what it belongs to. */
  selectCell(cell: Cell) {
    this.cell = cell
    const value = this.#tensors.value(cell.name)
    if (value && PER_SAMPLE.includes(value.kind) && this.#session.view!.samples > 1) {
      if (this.chosenSample !== null) this.chosenSample = cell.row
    }
    this.selection = this.selectionOf(cell)
  }

  selectionOf({ name, row, column }: Cell): Selection | null {
    const value = this.#tensors.value(name)
    if (!value) return null
    const layer = value.layer
    switch (value.kind) {
      case 'weight': case 'weight_gradient': case 'updated_weight': return { target: 'edge', layer, to: row, from: column }
      case 'bias': case 'bias_gradient': case 'updated_bias': return { target: 'neuron', layer, neuron: column, direction: 'forward' }
      case 'activation':
        return layer === 0 ? { target: 'input', column } : { target: 'neuron', layer, neuron: column, direction: 'forward' }
      case 'pre_activation': return { target: 'neuron', layer, neuron: column, direction: 'forward' }
      case 'slope': case 'error': case 'delta': return { target: 'neuron', layer, neuron: column, direction: 'backward' }
      case 'loss': case 'target': return { target: 'loss' }
      default: return { target: 'layer', layer }
    }
  }

  /** Whether there is such a thing to inspect. */
  isSelectable(selection: Selection): boolean {
    const tensors = this.#tensors
    switch (selection.target) {
      case 'neuron': return tensors.isCell({ name: `z.${selection.layer}`, row: 0, column: selection.neuron })
      case 'edge': return tensors.isCell({ name: `weight.${selection.layer}`, row: selection.to, column: selection.from })
      case 'matrix': return tensors.value(selection.name) !== undefined
      case 'gradient': case 'layer': return tensors.value(`weight.${selection.layer}`) !== undefined
      case 'input': return tensors.isCell({ name: 'a.0', row: 0, column: selection.column })
      case 'loss': return true
      default: return false
    }
  }

  flip() {
    this.flipped = !this.flipped
  }

  /** The cursor has moved: the cell is one that the event computes. */
  moved(event: TraceEvent | null, stop: Stop | null) {
    if (stop) this.cell = stop.cell
    else if (event && (!this.cell || !event.outputs.includes(this.cell.name))) {
      const rows = dimensions(this.#tensors.value(event.outputs[0])!)[0]
      const perSample = rows === this.#session.view!.samples
      this.cell = { name: event.outputs[0], row: perSample ? Math.min(this.sample, rows - 1) : 0, column: 0 }
    }
    if (!event) this.cell = null
  }

  /** Another document was opened. */
  opened() {
    this.chosenSample = null
    this.selection = null
    this.cell = null
  }

  /** Another revision is shown: what was selected may be gone. */
  shown() {
    if (this.chosenSample !== null) this.chosenSample = this.sample
    if (this.cell && !this.#tensors.isCell(this.cell)) this.cell = null
    if (this.selection && !this.isSelectable(this.selection)) this.selection = null
  }
}
