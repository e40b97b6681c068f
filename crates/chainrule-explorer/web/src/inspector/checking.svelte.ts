// The check that runs, and the results of the last ones: they outlive the panel, and an edit stops what runs.
import { untrack } from 'svelte'
import { api } from '../lib/api'
import type { Cell, CellCheck, CheckReport } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'

interface Result<T> {
  revision: number
  /** The first revision of the document: results of another document are not shown. */
  root: number
  report: T
}

class Checking {
  running = $state.raw<{ what: string; since: number } | null>(null)
  /** How the last check ended. */
  note = $state('')
  #cell = $state.raw<Result<CellCheck> | null>(null)
  #all = $state.raw<Result<CheckReport> | null>(null)
  #controller: AbortController | null = null

  constructor() {
    $effect.root(() => {
      $effect(() => {
        void explorer.view?.revision
        void explorer.stale
        untrack(() => this.stop('Stopped: the network has changed.'))
      })
    })
  }

  get cell() {
    return this.#current(this.#cell)
  }

  get all() {
    return this.#current(this.#all)
  }

  async checkCell(cell: Cell, what: string) {
    const result = await this.#run(what, (revision, signal) => api.checkCell(revision, cell, signal))
    if (result) this.#cell = result
  }

  async checkAll(what: string) {
    const result = await this.#run(what, api.checkAll)
    if (result) this.#all = result
  }

  stop(why: string) {
    if (!this.running) return
    this.#controller?.abort()
    this.#controller = null
    this.running = null
    this.note = why
  }

  isStale(result: Result<unknown>): boolean {
    return explorer.stale || result.revision !== explorer.view?.revision
  }

  #current<T>(result: Result<T> | null): Result<T> | null {
    return result && result.root === explorer.timeline[0]?.revision ? result : null
  }

  async #run<T>(what: string, question: (revision: number, signal: AbortSignal) => Promise<T>): Promise<Result<T> | null> {
    const view = explorer.view
    if (!view || explorer.stale) return null
    this.#controller?.abort()
    const controller = new AbortController()
    this.#controller = controller
    this.running = { what, since: Date.now() }
    this.note = ''
    const report = await explorer.ask(() => question(view.revision, controller.signal))
    if (this.#controller !== controller) return null
    this.#controller = null
    this.running = null
    if (report === null) {
      this.note = explorer.message ?? 'There was no answer.'
      return null
    }
    this.note = 'Done.'
    return { revision: view.revision, root: explorer.timeline[0].revision, report }
  }
}

export const checking = new Checking()
