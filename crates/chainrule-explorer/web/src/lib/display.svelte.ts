// How numbers are displayed: with how many digits, and what their colours are relative to.
import type { Value } from './contract'
import type { Cursor } from './cursor.svelte'
import type { Session } from './session.svelte'

/** By default every matrix is by its own largest, but error signals are by the largest of all layers: how they shrink is seen. */
export type ColourScale = 'flow' | 'tensor' | 'kind' | 'global'

const isSignal = ({ kind }: Value) => kind === 'delta' || kind === 'error'

export class Display {
  digits = $state(4)
  colourScale = $state<ColourScale>('flow')

  #session: Session
  #cursor: Cursor

  constructor(session: Session, cursor: Cursor) {
    this.#session = session
    this.#cursor = cursor
  }

  /** What the colours of a value are relative to. Slopes are shares of the error that passes: they are always by 1. */
  scaleOf(value: Value): number {
    if (value.kind === 'slope') return 1
    if (this.colourScale === 'tensor' || (this.colourScale === 'flow' && !isSignal(value))) return value.scale
    const isAlike = (other: Value) =>
      this.colourScale === 'global' ? other.kind !== 'slope' : this.colourScale === 'kind' ? other.kind === value.kind : isSignal(other)
    return Math.max(value.scale, ...this.#known.filter(isAlike).map((other) => other.scale))
  }

  /** Whether there is a slope that is steeper than the scale. */
  get hasSteepSlope(): boolean {
    return this.#known.some((value) => value.kind === 'slope' && value.scale > 1)
  }

  /** Not what is still to come: its size is not known yet. */
  get #known(): Value[] {
    return this.#session.view!.values.filter((value) => this.#cursor.isKnown(value.name))
  }
}
