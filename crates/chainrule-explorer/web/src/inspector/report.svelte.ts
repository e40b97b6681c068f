// One answer of the server for what the inspector shows: asked again for every revision, and never old without saying so.
import { untrack } from 'svelte'
import { explorer } from '../lib/explorer.svelte'

export interface Question<T> {
  /** What is asked about: answers about something else are dropped. */
  about: string
  ask: (revision: number) => Promise<T>
}

export class Report<T> {
  #question: () => Question<T>
  #about = $derived.by(() => this.#question().about)
  #held = $state.raw<{ about: string; revision: number; answer: T } | null>(null)
  #failed = $state.raw<{ about: string; revision: number } | null>(null)
  #tries = $state(0)

  /** To be made while a component starts: it asks for as long as the component lives. */
  constructor(question: () => Question<T>) {
    this.#question = question
    $effect(() => {
      const about = this.#about
      const revision = explorer.view?.revision
      void this.#tries
      if (revision === undefined) return
      let current = true
      untrack(async () => {
        const answer = await explorer.ask(() => question().ask(revision))
        if (!current) return
        if (answer === null) this.#failed = { about, revision }
        else this.#held = { about, revision, answer }
      })
      return () => {
        current = false
      }
    })
  }

  /** Null while nothing is known about it. */
  get answer(): T | null {
    return this.#held?.about === this.#about ? this.#held.answer : null
  }

  /** The answer belongs to a revision that is not, or not for long, the one that is shown. */
  get stale(): boolean {
    return explorer.stale || this.#held?.revision !== explorer.view?.revision
  }

  get failed(): boolean {
    return this.#failed?.about === this.#about && this.#failed.revision === explorer.view?.revision
  }

  again() {
    this.#failed = null
    this.#tries += 1
  }
}
