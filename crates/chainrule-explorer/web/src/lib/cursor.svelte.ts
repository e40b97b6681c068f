// Where in the trace one is: which numbers are known there, and the ways to go on.
import { isSame } from './cell'
import type { Cell, Operation, Phase, TraceEvent } from './contract'
import { cellText, withSymbols } from './format'
import type { Log } from './log.svelte'
import type { Selected } from './selection.svelte'
import type { Session } from './session.svelte'
import type { Tensors } from './tensors.svelte'
import { elementCount, isBefore, stopAt, type Stop } from './walk'

/** Where an element-wise walk stands within the event that comes next. */
type Element = number | null

export class Cursor {
  /** How many events are computed, and, inside the next one, how many elements. */
  position = $state(0)
  element = $state<Element>(null)
  order = $state<'lesson' | 'framework'>('lesson')
  stepSize = $state<'phase' | 'event' | 'element'>('event')
  playing = $state(false)
  speed = $state(1)
  /** How many iterations "Next iteration" takes. */
  iterations = $state(1)

  #session: Session
  #tensors: Tensors
  #selected: Selected
  #log: Log

  events = $derived.by((): TraceEvent[] => {
    const view = this.#session.view
    return view ? view.orders[this.order].events.map((id) => view.events[id]) : []
  })
  liveBytes = $derived.by((): number[] => this.#session.view?.orders[this.order].live_bytes ?? [])
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
    const view = this.#session.view
    const next = this.events[this.position]
    if (this.element === null || !view || !next || this.element >= elementCount(view, next)) return null
    return stopAt(view, next, this.element)
  })

  /** "Step 8 of 12: ..." */
  sentence = $derived.by(() => {
    const view = this.#session.view
    const total = this.events.length
    if (!view) return ''
    if (this.element !== null && this.stop) {
      const { cell, term, terms } = this.stop
      const product = terms > 1 ? `, product ${term + 1} of ${terms}` : ''
      return `Step ${this.position + 1} of ${total}, ${cellText(this.#tensors.value(cell.name)!, cell, view.samples)}${product}: ${withSymbols(this.events[this.position].sentence)}`
    }
    if (!this.event) return `Before step 1 of ${total}: inputs, targets and weights are given.`
    return `Step ${this.position} of ${total}: ${withSymbols(this.event.sentence)}`
  })

  constructor(session: Session, tensors: Tensors, selected: Selected, log: Log) {
    this.#session = session
    this.#tensors = tensors
    this.#selected = selected
    this.#log = log
  }

  /** Whether the cursor is past the whole of it. */
  isKnown(name: string): boolean {
    const place = this.#producedAt.get(name)
    return place === undefined ? this.#tensors.value(name) !== undefined : place < this.position
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

  goTo(position: number, element: Element = null) {
    const target = Math.max(0, Math.min(position, this.events.length))
    const moved = target !== this.position || element !== this.element
    this.position = target
    this.element = target < this.events.length ? element : null
    if (!moved) return
    this.#selected.moved(this.event, this.stop)
    if (this.element === null) this.#log.tell(this.sentence)
  }

  next() {
    if (this.stepSize === 'phase') return this.nextPhase()
    if (this.stepSize === 'event' || this.position >= this.events.length) return this.goTo(this.position + 1)
    const element = this.element === null ? 0 : this.element + 1
    const total = elementCount(this.#session.view!, this.events[this.position])
    if (element >= total) this.goTo(this.position + 1)
    else this.goTo(this.position, element)
  }

  back() {
    if (this.stepSize === 'phase') return this.previousPhase()
    if (this.stepSize === 'event') return this.goTo(this.element !== null ? this.position : this.position - 1)
    if (this.element !== null) return this.goTo(this.position, this.element > 0 ? this.element - 1 : null)
    if (this.position === 0) return
    const total = elementCount(this.#session.view!, this.events[this.position - 1])
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
    const depth = this.#session.view?.layers.length ?? 0
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
    this.#selected.cell = cell
    const selection = this.#selected.selectionOf(cell)
    if (selection) this.#selected.selection = selection
  }

  /** Another document was opened. */
  opened() {
    this.playing = false
    this.element = null
    this.position = 0
  }

  /** Another revision is shown: the cursor stays at its step as far as there is such a step. */
  shown(sameStructure: boolean) {
    if (!sameStructure || !this.stop) this.element = null
    this.position = Math.min(this.position, this.events.length)
  }
}
