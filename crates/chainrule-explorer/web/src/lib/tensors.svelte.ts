// The values of the trace with their numbers: large ones are fetched when they are shown, and kept.
import { SvelteMap } from 'svelte/reactivity'
import { api } from './api'
import type { Cell, Value, View } from './contract'
import { dimensions, toNumber } from './format'
import type { Session } from './session.svelte'

/** A value with its numbers at hand. */
export interface Tensor {
  value: Value
  rows: number
  columns: number
  get(row: number, column: number): number
}

const keyOf = (view: View, name: string) => `${view.revision}/${name}`

const byName = (view: View | null) => new Map((view?.values ?? []).map((value) => [value.name, value]))

export class Tensors {
  #session: Session
  #loaded = new SvelteMap<string, Float64Array>()
  #loading = new Set<string>()
  #values = $derived.by(() => byName(this.#session.view))
  #valuesBefore = $derived.by(() => byName(this.#session.before))

  constructor(session: Session) {
    this.#session = session
  }

  value(name: string): Value | undefined {
    return this.#values.get(name)
  }

  /** A value with its numbers; null while a large one is on its way. */
  tensor(name: string): Tensor | null {
    return this.#tensorOf(this.#session.view, this.value(name))
  }

  #tensorOf(view: View | null, value: Value | undefined): Tensor | null {
    if (!value || !view) return null
    const [rows, columns] = dimensions(value)
    if (value.values) {
      const values = value.values
      return { value, rows, columns, get: (row, column) => toNumber(values[row * columns + column]) }
    }
    const numbers = this.#loaded.get(keyOf(view, value.name))
    if (numbers) return { value, rows, columns, get: (row, column) => numbers[row * columns + column] }
    void this.#load(view, value.name)
    return null
  }

  async #load(view: View, name: string) {
    const key = keyOf(view, name)
    if (this.#loading.has(key)) return
    this.#loading.add(key)
    try {
      const numbers = await this.#session.ask(() => api.values(view.revision, name))
      if (numbers) this.#loaded.set(key, numbers)
    } finally {
      this.#loading.delete(key)
    }
  }

  /** For each cell of a value, the number in the view before the last edit, if it was another one; null if there is none to compare with. */
  before(name: string): ((row: number, column: number) => number | undefined) | null {
    const { view, before } = this.#session
    const [value, own] = [this.#valuesBefore.get(name), this.value(name)]
    if (!before || !value || !own || String(value.shape) !== String(own.shape)) return null
    // A large one is there if it was shown before the edit.
    if (!value.values && !this.#loaded.has(keyOf(before, name))) return null
    const [then, now] = [this.#tensorOf(before, value), this.#tensorOf(view, own)]
    if (!then || !now) return null
    return (row, column) => {
      const [old, current] = [then.get(row, column), now.get(row, column)]
      return old === current || (Number.isNaN(old) && Number.isNaN(current)) ? undefined : old
    }
  }

  /** The same for one cell. */
  previous({ name, row, column }: Cell): number | undefined {
    return this.before(name)?.(row, column)
  }

  /** Whether there is such a cell. */
  isCell({ name, row, column }: Cell): boolean {
    const value = this.value(name)
    const inside = (index: number, length: number) => Number.isInteger(index) && index >= 0 && index < length
    return value !== undefined && inside(row, dimensions(value)[0]) && inside(column, dimensions(value)[1])
  }

  /** Another document was opened. */
  opened() {
    this.#loaded.clear()
  }

  /** Another revision is shown: only its numbers are kept, and those of the one before. */
  shown() {
    const { view, before } = this.#session
    const kept = [view, before].flatMap((view) => (view ? [`${view.revision}/`] : []))
    for (const key of this.#loaded.keys()) if (!kept.some((start) => key.startsWith(start))) this.#loaded.delete(key)
  }
}
