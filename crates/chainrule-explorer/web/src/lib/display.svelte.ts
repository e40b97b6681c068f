// How numbers are displayed: with how many digits, and what their colours are relative to.
import type { Value } from './contract'
import type { Cursor } from './cursor.svelte'
import type { Session } from './session.svelte'

export class Display {
  digits = $state(4)
  colourScale = $state<'tensor' | 'kind' | 'global'>('tensor')

  #session: Session
  #cursor: Cursor

  constructor(session: Session, cursor: Cursor) {
    this.#session = session
    this.#cursor = cursor
  }

  /** What the colours of a value are relative to. */
  scaleOf(value: Value): number {
    if (this.colourScale === 'tensor') return value.scale
    // Not what is still to come: its size is not known yet.
    const counts = (other: Value) => (this.colourScale === 'global' || other.kind === value.kind) && this.#cursor.isKnown(other.name)
    return Math.max(value.scale, ...this.#session.view!.values.filter(counts).map((other) => other.scale))
  }
}
