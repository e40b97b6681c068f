// The page's state as its components see it: everything on the screen is a function of it. Each part has a file of its own.
import type { Cell, Edit, NewDocument, Operation, Phase, Value } from './contract'
import { Cursor } from './cursor.svelte'
import { Display } from './display.svelte'
import { Log } from './log.svelte'
import type { Look } from './look'
import { Selected, TABS, type Operands, type Selection, type Tab } from './selection.svelte'
import { Session } from './session.svelte'
import { Tensors } from './tensors.svelte'

export { isSame, keyOf } from './cell'
export { PHASES, PHASE_TITLES } from './phases'
export { TABS, type Selection, type Tab } from './selection.svelte'

class Explorer {
  #log = new Log()
  #session = new Session(this.#log, {
    look: () => this.look(), opened: (look) => this.#opened(look), shown: (sameStructure) => this.#shown(sameStructure),
  })
  #tensors = new Tensors(this.#session)
  #selected = new Selected(this.#session, this.#tensors)
  #cursor = new Cursor(this.#session, this.#tensors, this.#selected, this.#log)
  #display = new Display(this.#session, this.#cursor)

  #opened(look?: Look) {
    this.#tensors.opened()
    this.#selected.opened()
    this.#cursor.opened()
    if (look) this.lookAs(look)
    this.#log.tell(`${this.view!.title}. ${this.sentence}`)
  }

  #shown(sameStructure: boolean) {
    this.#tensors.shown()
    this.#cursor.shown(sameStructure)
    this.#selected.shown()
  }

  /** Where one stands, for going on there another time. */
  look(): Look {
    const { position, order, chosenSample, selection, cell, tab, quiz } = this
    return { position, order, sample: chosenSample, selection, cell, tab, quiz }
  }

  /** Goes where a look was, as far as there is such a place here: looks come from links too. */
  lookAs({ position, order, sample, selection, cell, tab, quiz }: Partial<Look>) {
    if (order === 'framework' || order === 'lesson') this.order = order
    if (typeof sample === 'number' && Number.isInteger(sample) && sample >= 0 && sample < this.view!.samples) this.chosenSample = sample
    if (Number.isInteger(position)) this.goTo(position!)
    if (cell && this.isCell(cell)) this.cell = cell
    if (selection && this.isSelectable(selection)) this.selection = selection
    if (TABS.some(({ id }) => id === tab)) this.tab = tab!
    if (quiz !== undefined && quiz !== null) this.isQuizRefused = !(Number.isSafeInteger(quiz) && quiz >= 0)
    if (typeof quiz === 'number' && !this.isQuizRefused) this.quiz = quiz
  }

  get log() { return this.#log.lines }

  // ---- the session ----

  get catalog() { return this.#session.catalog }
  get view() { return this.#session.view }
  get document() { return this.#session.document }
  get origin() { return this.#session.origin }
  get startTitle() { return this.#session.startTitle }
  get stale() { return this.#session.stale }
  get gone() { return this.#session.gone }
  get message() { return this.#session.message }
  set message(message: string | null) { this.#session.message = message }
  get timeline() { return this.#session.timeline }
  get place() { return this.#session.place }
  start(openLink?: () => Promise<boolean>) { return this.#session.start(openLink) }
  open(document: NewDocument) { return this.#session.open(document) }
  openTrace(file: string) { return this.#session.openTrace(file) }
  openStart() { return this.#session.openStart() }
  reopen(document: number) { return this.#session.reopen(document) }
  beside(by: -1 | 1) { return this.#session.beside(by) }
  edit(edit: Edit) { return this.#session.edit(edit) }
  undo() { return this.#session.undo() }
  redo() { return this.#session.redo() }
  jump(to: () => number) { return this.#session.jump(to) }
  ask<T>(question: () => Promise<T>) { return this.#session.ask(question) }
  knock() { return this.#session.knock() }

  // ---- the tensors ----

  value(name: string) { return this.#tensors.value(name) }
  tensor(name: string) { return this.#tensors.tensor(name) }
  before(name: string) { return this.#tensors.before(name) }
  previous(cell: Cell) { return this.#tensors.previous(cell) }
  isCell(cell: Cell) { return this.#tensors.isCell(cell) }

  // ---- the cursor ----

  get position() { return this.#cursor.position }
  get element() { return this.#cursor.element }
  get order() { return this.#cursor.order }
  set order(order: Cursor['order']) { this.#cursor.order = order }
  get stepSize() { return this.#cursor.stepSize }
  set stepSize(stepSize: Cursor['stepSize']) { this.#cursor.stepSize = stepSize }
  get playing() { return this.#cursor.playing }
  set playing(playing: boolean) { this.#cursor.playing = playing }
  get speed() { return this.#cursor.speed }
  set speed(speed: number) { this.#cursor.speed = speed }
  get iterations() { return this.#cursor.iterations }
  set iterations(iterations: number) { this.#cursor.iterations = iterations }
  iterate() { return this.edit({ kind: 'iterate', count: this.iterations }) }
  get events() { return this.#cursor.events }
  get liveBytes() { return this.#cursor.liveBytes }
  get event() { return this.#cursor.event }
  get stop() { return this.#cursor.stop }
  get sentence() { return this.#cursor.sentence }
  isKnown(name: string) { return this.#cursor.isKnown(name) }
  isCellKnown(cell: Cell) { return this.#cursor.isCellKnown(cell) }
  placeOf(name: string) { return this.#cursor.placeOf(name) }
  goTo(position: number) { this.#cursor.goTo(position) }
  next() { this.#cursor.next() }
  back() { this.#cursor.back() }
  nextPhase() { this.#cursor.nextPhase() }
  previousPhase() { this.#cursor.previousPhase() }
  goToPhase(phase: Phase) { this.#cursor.goToPhase(phase) }
  show(operation: Operation, layer?: number) { this.#cursor.show(operation, layer) }
  follow(cell: Cell) { this.#cursor.follow(cell) }

  // ---- the selection ----

  get selection() { return this.#selected.selection }
  set selection(selection: Selection | null) { this.#selected.selection = selection }
  get operands() { return this.#selected.operands }
  set operands(operands: Operands) { this.#selected.operands = operands }
  get cell() { return this.#selected.cell }
  set cell(cell: Cell | null) { this.#selected.cell = cell }
  get chosenSample() { return this.#selected.chosenSample }
  set chosenSample(sample: number | null) { this.#selected.chosenSample = sample }
  get sample() { return this.#selected.sample }
  get tab() { return this.#selected.tab }
  set tab(tab: Tab) { this.#selected.tab = tab }
  get quiz() { return this.#selected.quiz }
  set quiz(number: number | null) { this.#selected.quiz = number }
  get isQuizRefused() { return this.#selected.isQuizRefused }
  set isQuizRefused(is: boolean) { this.#selected.isQuizRefused = is }
  get checksAsked() { return this.#selected.checksAsked }
  set checksAsked(times: number) { this.#selected.checksAsked = times }
  get flipped() { return this.#selected.flipped }
  select(selection: Selection | null, openInspector = true) { this.#selected.select(selection, openInspector) }
  selectCell(cell: Cell) { this.#selected.selectCell(cell) }
  selectionOf(cell: Cell) { return this.#selected.selectionOf(cell) }
  isSelectable(selection: Selection) { return this.#selected.isSelectable(selection) }
  flip() { this.#selected.flip() }

  // ---- the display ----

  get digits() { return this.#display.digits }
  set digits(digits: number) { this.#display.digits = digits }
  get colourScale() { return this.#display.colourScale }
  set colourScale(scale: Display['colourScale']) { this.#display.colourScale = scale }
  get hasSteepSlope() { return this.#display.hasSteepSlope }
  scaleOf(value: Value) { return this.#display.scaleOf(value) }
}

export const explorer = new Explorer()
