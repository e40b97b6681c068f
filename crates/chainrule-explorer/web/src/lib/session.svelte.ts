// What is asked of the program: the documents, their revisions and which of them is shown, and what the program refused.
import { api, Gone, Refused } from './api'
import type { Catalog, Edit, Made, NewDocument, Verified, View } from './contract'
import type { Log } from './log.svelte'
import type { Look } from './look'

/** Who is told of a new view. */
export interface Viewer {
  /** Where one stands in the view on the screen. */
  look(): Look
  /** It is of another document, looked at as it was left, if it was there before. */
  opened(look?: Look): void
  /** It is of another revision; with the same structure, it has the same steps and cells. */
  shown(sameStructure: boolean): void
}

/** Where a document comes from: an example by its id, what the program was started with, or a link. */
export type Origin = { example: string } | 'start' | 'link'

/** A document with its history, as it was left. */
interface Left {
  title: string
  origin: Origin
  timeline: Made[]
  place: number
  look: Look
}

/** Views that are kept for going back without asking. */
const VIEWS = 200

const structure = (view: View | null) => JSON.stringify([view?.widths, view?.samples])

export class Session {
  catalog = $state.raw<Catalog | null>(null)
  view = $state.raw<View | null>(null)
  /** The title of what the program was started with. */
  startTitle = $state('')
  /** The view before the edit that made this one, where it is at hand: for marks on what changed. */
  before = $state.raw<View | null>(null)
  /** An edit is on its way: what is shown belongs to the revision before it. */
  stale = $state(false)
  gone = $state(false)
  message = $state<string | null>(null)

  /** Every revision since the document was opened, and which of them is shown. */
  timeline = $state.raw<Made[]>([])
  place = $state(0)

  /** Counts the documents that were shown: an answer about another one is not taken. */
  document = $state(0)
  origin = $state.raw<Origin>('start')

  #log: Log
  #viewer: Viewer
  #views = new Map<number, View>()
  /** Documents that were left, by their number, and the line of those that Undo and Redo lead to. */
  #left = new Map<number, Left>()
  #line = $state.raw<number[]>([])
  #documents = 0
  /** Edits and jumps, one after the other: each starts from what the one before made. */
  #queue: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** Counts what was put on the screen from elsewhere: changes that wait for their turn belong to what was there. */
  #turn = 0

  constructor(log: Log, viewer: Viewer) {
    this.#log = log
    this.#viewer = viewer
  }

  /** Opens what a link names, if there is one that can be opened, and else what the program was started with. */
  async start(openLink?: () => Promise<boolean>) {
    await this.#guard(async () => {
      this.catalog = await api.catalog()
      if (openLink && (await openLink())) return
      await this.#openStart()
    })
  }

  /** Opens what the program was started with. */
  openStart() {
    return this.#guard(() => this.#openStart())
  }

  async #openStart() {
    const view = await api.view(this.catalog!.start)
    this.startTitle = view.title
    this.#opened(view, 'start')
  }

  async open(document: NewDocument): Promise<boolean> {
    return this.#guard(async () => {
      const view = await api.open(document)
      this.#opened(view, 'example' in document ? document : 'link')
      this.message = null
    })
  }

  /** Opens what a file holds of a step; how its numbers compare with those that are computed here, or null if it is refused. */
  async openTrace(file: string): Promise<Verified | null> {
    let verified: Verified | null = null
    await this.#guard(async () => {
      const opened = await api.openTrace(file)
      this.#opened(opened.view, 'link')
      this.message = null
      verified = opened.verified
    })
    return verified
  }

  #opened(view: View, origin: Origin) {
    this.#leave()
    this.#documents += 1
    const made = { revision: view.revision, label: view.label, iteration: view.iteration, loss: view.loss }
    this.#line = [...this.#line.slice(0, this.#line.indexOf(this.document) + 1), this.#documents]
    this.#enter(this.#documents, view, { title: view.title, origin, timeline: [made], place: 0 })
  }

  #leave() {
    const { view, origin, timeline, place } = this
    if (view) this.#left.set(this.document, { title: view.title, origin, timeline, place, look: this.#viewer.look() })
  }

  #enter(document: number, view: View, { origin, timeline, place, look }: Omit<Left, 'look'> & { look?: Look }) {
    this.#turn += 1
    this.stale = false
    this.document = document
    this.origin = origin
    this.timeline = timeline
    this.place = place
    this.#put(view, this.#before(place))
    this.#viewer.opened(look)
  }

  /** Brings a document back that was left, with its history and its step; false if it is not remembered. */
  async reopen(document: number): Promise<boolean> {
    const left = this.#left.get(document)
    if (!left) return false
    return this.#guard(async () => {
      const view = await this.#viewOf(left.timeline[left.place].revision)
      this.#leave()
      if (!this.#line.includes(document)) this.#line = [...this.#line.slice(0, this.#line.indexOf(this.document) + 1), document]
      this.#enter(document, view, left)
      this.message = null
    })
  }

  /** The title of the document that Undo (-1) or Redo (1) leads to, at either end of this one's history. */
  beside(by: -1 | 1): string | null {
    const document = this.#line[this.#line.indexOf(this.document) + by]
    const atEnd = this.place === (by < 0 ? 0 : this.timeline.length - 1)
    return atEnd && document !== undefined ? this.#left.get(document)!.title : null
  }

  /** Whether it was done. The cursor stays; what follows in the history is dropped. */
  async edit(edit: Edit): Promise<boolean> {
    return this.#afterOthers(async (isCurrent) => {
      const { view, made } = await api.edit(this.timeline[this.place].revision, edit)
      if (!isCurrent()) return
      this.timeline = [...this.timeline.slice(0, this.place + 1), ...made]
      this.place = this.timeline.length - 1
      // What led to other documents begins here anew.
      this.#line = this.#line.slice(0, this.#line.indexOf(this.document) + 1)
      this.message = null
      this.#show(view, this.view)
      this.#log.tell(view.label)
    })
  }

  undo() {
    return this.#move(-1)
  }

  redo() {
    return this.#move(1)
  }

  /** One revision on; at the end of the history, the document beside it. */
  #move(by: -1 | 1): Promise<boolean> {
    return this.#afterOthers(async (isCurrent) => {
      const beside = this.beside(by) !== null && this.#line[this.#line.indexOf(this.document) + by]
      if (beside) await this.reopen(beside)
      else await this.#jump(this.place + by, isCurrent)
    })
  }

  /** To any revision of the history. */
  jump(to: () => number): Promise<boolean> {
    return this.#afterOthers((isCurrent) => this.#jump(to(), isCurrent))
  }

  async #jump(place: number, isCurrent: () => boolean) {
    if (place < 0 || place >= this.timeline.length || place === this.place) return
    const view = await this.#viewOf(this.timeline[place].revision)
    if (!isCurrent()) return
    this.place = place
    this.#show(view, this.#before(place))
  }

  async #viewOf(revision: number): Promise<View> {
    return this.#views.get(revision) ?? (await api.view(revision))
  }

  /** The view before that of a place, if it is at hand. */
  #before(place: number): View | null {
    return this.#views.get(this.timeline[place - 1]?.revision) ?? null
  }

  #put(view: View, before: View | null) {
    this.before = before
    this.view = view
    this.#views.delete(view.revision)
    this.#views.set(view.revision, view)
    if (this.#views.size > VIEWS) this.#views.delete(this.#views.keys().next().value!)
  }

  #show(view: View, before: View | null) {
    const same = structure(this.view) === structure(view)
    this.#put(view, before)
    this.#viewer.shown(same)
  }

  /** Runs a change when those before it are done; not at all if another document was opened meanwhile. */
  #afterOthers(change: (isCurrent: () => boolean) => Promise<void>): Promise<boolean> {
    if (!this.view) return Promise.resolve(false)
    const turn = this.#turn
    const isCurrent = () => turn === this.#turn
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
}
