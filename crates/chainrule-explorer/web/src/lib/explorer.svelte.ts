// The page's state: a trace, a cursor, a selection. Everything on the screen is a function of these.
import { SvelteMap } from 'svelte/reactivity'
import { api, Gone, Refused } from './api'
import type {
  Catalog, Cell, Edit, NewDocument, Num, Operation, Phase, TraceEvent, Value, View,
} from './contract'
import { cellText, dimensions, PER_SAMPLE, toNumber, withSymbols } from './format'
import { elementCount, isBefore, stopAt, type Stop } from './walk'

export const PHASES: Phase[] = ['forward', 'output_error', 'backward', 'gradients', 'update']
export const PHASE_TITLES: Record<Phase, string> = {
  forward: 'Forward', output_error: 'Output error', backward: 'Backward', gradients: 'Gradients', update: 'Update',
}

/** What the inspector shows. */
export type Selection =
  | { target: 'neuron'; layer: number; neuron: number; direction: 'forward' | 'backward' }
  | { target: 'edge'; layer: number; to: number; from: number }
  | { target: 'matrix'; name: string }
  | { target: 'gradient'; layer: number }
  | { target: 'layer'; layer: number }
  | { target: 'loss' }
  | { target: 'input'; column: number }

export type Tab = 'lesson' | 'inspector' | 'check' | 'log'
export const TABS: { id: Tab; title: string }[] = [
  { id: 'lesson', title: 'Lesson' }, { id: 'inspector', title: 'Inspector' }, { id: 'check', title: 'Check' }, { id: 'log', title: 'Log' },
]

/** A value with its numbers at hand. */
export interface Tensor {
  value: Value
  rows: number
  columns: number
  get(row: number, column: number): number
}

export interface Entry {
  revision: number
  label: string
  iteration: number
  loss: Num
}

/** Where an element-wise walk stands within the event that comes next. */
type Element = number | null

export class Explorer {
  catalog = $state.raw<Catalog | null>(null)
  view = $state.raw<View | null>(null)
  /** The title of what the program was started with. */
  startTitle = $state('')
  /** The view before the last edit, for marks on what changed. */
  before = $state.raw<View | null>(null)
  /** An edit is on its way: what is shown belongs to the revision before it. */
  stale = $state(false)
  gone = $state(false)
  message = $state<string | null>(null)

  /** Every revision since the document was opened, and which of them is shown. */
  timeline = $state.raw<Entry[]>([])
  place = $state(0)

  /** How many events are computed, and, inside the next one, how many elements. */
  position = $state(0)
  element = $state<Element>(null)
  order = $state<'lesson' | 'framework'>('lesson')
  stepSize = $state<'phase' | 'event' | 'element'>('event')
  playing = $state(false)
  speed = $state(1)

  selection = $state.raw<Selection | null>(null)
  /** The cells that the explained one is made of, and the two of the product that is being added: marked in the grids. */
  operands = $state.raw<{ all: Set<string>; current: Set<string> }>({ all: new Set(), current: new Set() })
  /** The cell that the stage explains. */
  cell = $state.raw<Cell | null>(null)
  /** The sample that is shown; null for all. */
  chosenSample = $state<number | null>(null)
  tab = $state<Tab>('lesson')
  /** How often the key for a check was pressed: the panel answers each. */
  checksAsked = $state(0)
  /** Whether the matrix inspector shows the transpose. */
  flipped = $state(false)
  colourScale = $state<'tensor' | 'kind' | 'global'>('tensor')
  digits = $state(4)
  /** What a screen reader is told, and what the log keeps. */
  log = $state.raw<string[]>([])

  #loaded = new SvelteMap<string, Float64Array>()
  #loading = new Set<string>()
  #views = new Map<number, View>()
  /** Counts the documents opened: an answer about another one is not taken. */
  #document = 0
  /** Edits and jumps, one after the other: each starts from what the one before made. */
  #queue: Promise<unknown> = Promise.resolve()
  #waiting = 0

  // ---- the trace ----

  events = $derived.by((): TraceEvent[] => {
    const view = this.view
    return view ? view.orders[this.order].events.map((id) => view.events[id]) : []
  })
  liveBytes = $derived(this.view?.orders[this.order].live_bytes ?? [])
  #values = $derived(new Map((this.view?.values ?? []).map((value) => [value.name, value])))
  #producedAt = $derived.by(() => {
    const places = new Map<string, number>()
    this.events.forEach((event, index) => event.outputs.forEach((name) => places.set(name, index)))
    return places
  })

  /** The event on the stage: the one being walked through, or else the last one computed. */
  event = $derived<TraceEvent | null>(
    this.element !== null ? this.events[this.position] : (this.events[this.position - 1] ?? null),
  )
  stop = $derived.by((): Stop | null => {
    const next = this.events[this.position]
    if (this.element === null || !this.view || !next || this.element >= elementCount(this.view, next)) return null
    return stopAt(this.view, next, this.element)
  })
  /** One sample at a time in the network and the inspector. */
  sample = $derived(Math.min(this.chosenSample ?? 0, (this.view?.samples ?? 1) - 1))

  value(name: string): Value | undefined {
    return this.#values.get(name)
  }

  /** Whether the cursor is past the whole of it. */
  isKnown(name: string): boolean {
    const place = this.#producedAt.get(name)
    return place === undefined ? this.#values.has(name) : place < this.position
  }

  /** Whether the cursor is past this cell: no number is shown before it is computed. */
  isCellKnown(cell: Cell): boolean {
    if (this.isKnown(cell.name)) return true
    const [stop, event] = [this.stop, this.event]
    if (!stop || !event?.outputs.includes(cell.name)) return false
    return isBefore(event, cell, stop) || (stop.term === stop.terms - 1 && isSame(cell, stop.cell))
  }

  /** The place of the event that computes a value; -1 for what is given. */
  placeOf(name: string): number {
    return this.#producedAt.get(name) ?? -1
  }

  /** A value with its numbers; null while a large one is on its way. */
  tensor(name: string): Tensor | null {
    return this.#tensorOf(this.view, this.#values.get(name))
  }

  #tensorOf(view: View | null, value: Value | undefined): Tensor | null {
    if (!value || !view) return null
    const [rows, columns] = dimensions(value)
    if (value.values) {
      const values = value.values
      return { value, rows, columns, get: (row, column) => toNumber(values[row * columns + column]) }
    }
    const key = `${view.revision}/${value.name}`
    const numbers = this.#loaded.get(key)
    if (numbers) return { value, rows, columns, get: (row, column) => numbers[row * columns + column] }
    if (!this.#loading.has(key)) {
      this.#loading.add(key)
      this.#guard(async () => {
        try {
          this.#loaded.set(key, await api.values(view.revision, value.name))
        } finally {
          this.#loading.delete(key)
        }
      })
    }
    return null
  }

  /** The number in the view before the last edit, if it was another one. */
  previous(cell: Cell): number | undefined {
    const value = this.before?.values.find((value) => value.name === cell.name)
    const own = this.#values.get(cell.name)
    if (!value || !own || String(value.shape) !== String(own.shape)) return undefined
    // A large one is there if it was shown before the edit.
    const large = !value.values && !this.#loaded.has(`${this.before!.revision}/${cell.name}`)
    const [then, now] = large ? [null, null] : [this.#tensorOf(this.before, value), this.#tensorOf(this.view, own)]
    if (!then || !now) return undefined
    const [old, current] = [then.get(cell.row, cell.column), now.get(cell.row, cell.column)]
    return old === current || (Number.isNaN(old) && Number.isNaN(current)) ? undefined : old
  }

  /** What the colours of a value are relative to. */
  scaleOf(value: Value): number {
    const counts = (other: Value) => (this.colourScale === 'global' || other.kind === value.kind) && this.isKnown(other.name)
    if (this.colourScale === 'tensor') return value.scale
    // Not what is still to come: its size is not known yet.
    return Math.max(value.scale, ...this.view!.values.filter(counts).map((other) => other.scale))
  }

  // ---- the cursor ----

  goTo(position: number, element: Element = null) {
    const target = Math.max(0, Math.min(position, this.events.length))
    const moved = target !== this.position || element !== this.element
    this.position = target
    this.element = target < this.events.length ? element : null
    if (!moved) return
    const event = this.event
    const cell = this.stop?.cell ?? null
    if (cell) this.cell = cell
    else if (event && (!this.cell || !event.outputs.includes(this.cell.name))) {
      const rows = dimensions(this.#values.get(event.outputs[0])!)[0]
      const perSample = rows === this.view!.samples
      this.cell = { name: event.outputs[0], row: perSample ? Math.min(this.sample, rows - 1) : 0, column: 0 }
    }
    if (!event) this.cell = null
    if (this.element === null) this.#tell(this.sentence)
  }

  /** "Step 8 of 12: ..." */
  sentence = $derived.by(() => {
    const total = this.events.length
    if (!this.view) return ''
    if (this.element !== null && this.stop) {
      const { cell, term, terms } = this.stop
      const { kind, layer } = this.#values.get(cell.name)!
      const product = terms > 1 ? `, product ${term + 1} of ${terms}` : ''
      return `Step ${this.position + 1} of ${total}, ${cellText(kind, layer, cell, this.view.samples)}${product}: ${withSymbols(this.events[this.position].sentence)}`
    }
    if (!this.event) return `Before step 1 of ${total}: inputs, targets and weights are given.`
    return `Step ${this.position} of ${total}: ${withSymbols(this.event.sentence)}`
  })

  next() {
    if (this.stepSize === 'phase') return this.nextPhase()
    if (this.stepSize === 'event' || this.position >= this.events.length) return this.goTo(this.position + 1)
    const element = this.element === null ? 0 : this.element + 1
    const total = elementCount(this.view!, this.events[this.position])
    if (element >= total) this.goTo(this.position + 1)
    else this.goTo(this.position, element)
  }

  back() {
    if (this.stepSize === 'phase') return this.previousPhase()
    if (this.stepSize === 'event') return this.goTo(this.element !== null ? this.position : this.position - 1)
    if (this.element !== null) return this.goTo(this.position, this.element > 0 ? this.element - 1 : null)
    if (this.position === 0) return
    const total = elementCount(this.view!, this.events[this.position - 1])
    this.goTo(this.position - 1, total - 1)
  }

  /** To the end of the phase of the next event. */
  nextPhase() {
    const next = this.events[this.position]
    if (!next) return
    let end = this.position
    while (this.events[end]?.phase === next.phase) end += 1
    this.goTo(end)
  }

  previousPhase() {
    const current = this.events[this.position - 1]
    if (!current) return this.goTo(0)
    let start = this.position
    while (start > 0 && this.events[start - 1].phase === current.phase) start -= 1
    this.goTo(start)
  }

  /** To the end of a phase. */
  goToPhase(phase: Phase) {
    this.goTo(this.events.findLastIndex((event) => event.phase === phase) + 1)
  }

  /** "Show me": moves the cursor right behind an event. Layers count from the end if negative: -1 is L. */
  show(operation: Operation, layer?: number) {
    const depth = this.view?.layers.length ?? 0
    const wanted = layer !== undefined && layer < 0 ? depth + 1 + layer : layer
    const index = this.events.findIndex(
      (event) => event.operation === operation && (wanted === undefined || event.layer === wanted),
    )
    if (index >= 0) this.goTo(index + 1)
  }

  /** Follows a factor to where it was computed. */
  follow(cell: Cell) {
    const place = this.placeOf(cell.name)
    if (place >= 0) this.goTo(place + 1)
    this.cell = cell
    const selection = this.selectionOf(cell)
    if (selection) this.selection = selection
  }

  // ---- the selection ----

  select(selection: Selection | null, openInspector = true) {
    this.selection = selection
    if (selection && openInspector) this.tab = 'inspector'
  }

  /** A cell is pinned on the stage, and the inspector shows what it belongs to. */
  selectCell(cell: Cell) {
    this.cell = cell
    if (this.#values.get(cell.name) && PER_SAMPLE.includes(this.#values.get(cell.name)!.kind) && this.view!.samples > 1) {
      if (this.chosenSample !== null) this.chosenSample = cell.row
    }
    this.selection = this.selectionOf(cell)
  }

  selectionOf({ name, row, column }: Cell): Selection | null {
    const value = this.#values.get(name)
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
    }
  }

  flip() {
    this.flipped = !this.flipped
  }

  // ---- documents and edits ----

  /** Opens what a link names, if there is one that can be opened, and else what the program was started with. */
  async start(openLink?: () => Promise<boolean>) {
    await this.#guard(async () => {
      this.catalog = await api.catalog()
      if (openLink && (await openLink())) return
      const view = await api.view(this.catalog.start)
      this.startTitle = view.title
      this.#opened(view)
    })
  }

  async open(document: NewDocument): Promise<boolean> {
    return this.#guard(async () => {
      this.#opened(await api.open(document))
      this.message = null
    })
  }

  #opened(view: View) {
    this.#document += 1
    this.stale = false
    this.timeline = [{ revision: view.revision, label: view.label, iteration: view.iteration, loss: view.loss }]
    this.place = 0
    this.before = null
    this.#views = new Map([[view.revision, view]])
    this.#loaded.clear()
    this.view = view
    this.playing = false
    this.chosenSample = null
    this.selection = null
    this.cell = null
    this.element = null
    this.position = 0
    this.#tell(`${view.title}. ${this.sentence}`)
  }

  /** Whether it was done. The cursor stays; what follows in the history is dropped. */
  async edit(edit: Edit): Promise<boolean> {
    return this.#afterOthers(async (isCurrent) => {
      const { view, made } = await api.edit(this.timeline[this.place].revision, edit)
      if (!isCurrent()) return
      this.timeline = [...this.timeline.slice(0, this.place + 1), ...made]
      this.place = this.timeline.length - 1
      this.message = null
      this.#show(view)
      this.#tell(view.label)
    })
  }

  /** Runs a change when those before it are done; not at all if another document was opened meanwhile. */
  #afterOthers(change: (isCurrent: () => boolean) => Promise<void>): Promise<boolean> {
    if (!this.view) return Promise.resolve(false)
    const document = this.#document
    const isCurrent = () => document === this.#document
    this.stale = true
    this.#waiting += 1
    const done = this.#queue.then(async () => {
      const done = isCurrent() && (await this.#guard(() => change(isCurrent)))
      this.#waiting -= 1
      if (this.#waiting === 0) this.stale = false
      return done
    })
    this.#queue = done
    return done
  }

  undo() {
    return this.jump(() => this.place - 1)
  }

  redo() {
    return this.jump(() => this.place + 1)
  }

  /** To any revision of the history. */
  jump(to: () => number) {
    return this.#afterOthers(async (isCurrent) => {
      const place = to()
      if (place < 0 || place >= this.timeline.length || place === this.place) return
      const { revision } = this.timeline[place]
      const view = this.#views.get(revision) ?? (await api.view(revision))
      if (!isCurrent()) return
      this.place = place
      this.#show(view)
    })
  }

  #show(view: View) {
    this.before = this.view
    const structure = (view: View | null) => JSON.stringify([view?.widths, view?.samples])
    const sameStructure = structure(this.view) === structure(view)
    this.view = view
    this.#views.set(view.revision, view)
    if (this.#views.size > 200) this.#views.delete(this.#views.keys().next().value!)
    for (const key of this.#loaded.keys()) if (![view, this.before].some((kept) => kept && key.startsWith(`${kept.revision}/`))) this.#loaded.delete(key)
    if (!this.stop) this.element = null
    if (!sameStructure) {
      // The cursor stays at its step as far as there is such a step.
      this.element = null
      this.position = Math.min(this.position, view.events.length)
      if (this.chosenSample !== null) this.chosenSample = Math.min(this.chosenSample, view.samples - 1)
    }
    // What was selected may be gone.
    if (this.cell && !this.isCell(this.cell)) this.cell = null
    if (this.selection && !this.isSelectable(this.selection)) this.selection = null
  }

  /** Whether there is such a cell. */
  isCell({ name, row, column }: Cell): boolean {
    const value = this.#values.get(name)
    const inside = (index: number, length: number) => Number.isInteger(index) && index >= 0 && index < length
    return value !== undefined && inside(row, dimensions(value)[0]) && inside(column, dimensions(value)[1])
  }

  /** Whether there is such a thing to inspect. */
  isSelectable(selection: Selection): boolean {
    switch (selection.target) {
      case 'neuron': return this.isCell({ name: `z.${selection.layer}`, row: 0, column: selection.neuron })
      case 'edge': return this.isCell({ name: `weight.${selection.layer}`, row: selection.to, column: selection.from })
      case 'matrix': return this.#values.has(selection.name)
      case 'gradient': case 'layer': return this.#values.has(`weight.${selection.layer}`)
      case 'input': return this.isCell({ name: 'a.0', row: 0, column: selection.column })
      case 'loss': return true
      default: return false
    }
  }

  // ---- the server ----

  /** Runs something that asks the server; false if it said no or is gone. */
  async #guard(action: () => Promise<void>): Promise<boolean> {
    try {
      await action()
      this.gone = false
      return true
    } catch (error) {
      if (error instanceof Gone) this.gone = true
      else if (error instanceof Refused) this.message = error.message
      else if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
      return false
    }
  }

  /** For parts of the page that ask for themselves: the answer, or null. */
  async ask<T>(question: () => Promise<T>): Promise<T | null> {
    let answer: T | null = null
    await this.#guard(async () => {
      answer = await question()
    })
    return answer
  }

  async knock() {
    await this.#guard(async () => {
      await api.alive()
    })
  }

  #tell(sentence: string) {
    this.log = [...this.log.slice(-499), sentence]
  }
}

export const keyOf = (cell: Cell) => `${cell.name}[${cell.row},${cell.column}]`

export const isSame = (one: Cell | null, other: Cell | null) =>
  one !== null && other !== null && one.name === other.name && one.row === other.row && one.column === other.column

export const explorer = new Explorer()
