// How the chosen cell comes about, by the engine: shown only while it is about the cell and the revision on the screen.
import { untrack } from 'svelte'
import { api } from './api'
import type { Cell, Explanation, Term } from './contract'
import { explorer, isSame, keyOf } from './explorer.svelte'
import { toNumber } from './format'

/** Answers that are kept: going back needs no question, also when the program has ended. */
const KEPT = 300

class Explaining {
  #answers = new Map<string, Explanation>()
  #answer = $state.raw<{ key: string; explanation: Explanation | null } | null>(null)

  /** The chosen cell, from the step on that computes it. */
  wanted = $derived.by((): Cell | null => {
    const { cell, stop } = explorer
    return cell && (explorer.isCellKnown(cell) || isSame(stop?.cell ?? null, cell)) ? cell : null
  })
  #key = $derived(explorer.view && this.wanted && `${explorer.view.revision}/${keyOf(this.wanted)}`)
  /** Null while there is none for what is on the screen. */
  current = $derived(this.#answer?.key === this.#key ? (this.#answer?.explanation ?? null) : null)
  /** It was asked for in vain. */
  failed = $derived(this.#answer?.key === this.#key && this.#answer?.explanation === null)

  /** The cell's place in a walk product by product. */
  walking = $derived(explorer.stop && isSame(explorer.stop.cell, explorer.cell) && this.current ? explorer.stop : null)
  /** The sum so far of the cell that is being walked through. */
  partial = $derived(this.walking && this.current ? toNumber(this.current.terms[this.walking.term]?.partial ?? 'NaN') : undefined)

  /** For as long as a component lives: asks, and marks the operands in the grids. */
  follow() {
    $effect(() => {
      const [key, revision, cell] = [this.#key, explorer.view?.revision, this.wanted]
      // Asked again when the program is back.
      void explorer.gone
      if (!key || revision === undefined || !cell) return
      untrack(() => void this.#ask(key, revision, cell))
    })
    $effect(() => {
      const keys = (terms: Term[]) => terms.flatMap(({ factors }) => factors.flatMap(({ cell }) => (cell ? [keyOf(cell)] : [])))
      const [terms, start, walking] = [this.current?.terms ?? [], this.current?.start?.cell, this.walking]
      const all = new Set([...keys(terms), ...(start ? [keyOf(start)] : [])])
      explorer.operands = { all, current: new Set(walking ? keys(terms.slice(walking.term, walking.term + 1)) : []) }
    })
  }

  async #ask(key: string, revision: number, cell: Cell) {
    const explanation = this.#answers.get(key) ?? (await explorer.ask(() => api.explain(revision, cell)))
    if (explanation) {
      this.#answers.set(key, explanation)
      if (this.#answers.size > KEPT) this.#answers.delete(this.#answers.keys().next().value!)
    }
    if (key === this.#key) this.#answer = { key, explanation }
  }
}

export const explaining = new Explaining()
