// What is asked of the server: the document, its revisions and which of them is shown, and what the server refused.
import { api, Gone, Refused } from './api'
import type { Catalog, Edit, Made, NewDocument, View } from './contract'
import type { Log } from './log.svelte'

/** Who is told of a new view. */
export interface Viewer {
  /** It is of another document. */
  opened(): void
  /** It is of another revision; with the same structure, it has the same steps and cells. */
  shown(sameStructure: boolean): void
}

const structure = (view: View | null) => JSON.stringify([view?.widths, view?.samples])

export class Session {
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
  timeline = $state.raw<Made[]>([])
  place = $state(0)

  #log: Log
  #viewer: Viewer
  #views = new Map<number, View>()
  /** Counts the documents opened: an answer about another one is not taken. */
  #document = 0
  /** Edits and jumps, one after the other: each starts from what the one before made. */
  #queue: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(log: Log, viewer: Viewer) {
    this.#log = log
    this.#viewer = viewer
  }

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
    this.view = view
    this.#viewer.opened()
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
      this.#log.tell(view.label)
    })
  }

  undo() {
    return this.jump(() => this.place - 1)
  }

  redo() {
    return this.jump(() => this.place + 1)
  }

  /** To any revision of the history. */
  jump(to: () => number): Promise<boolean> {
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
    this.view = view
    this.#views.set(view.revision, view)
    if (this.#views.size > 200) this.#views.delete(this.#views.keys().next().value!)
    this.#viewer.shown(structure(this.before) === structure(view))
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
