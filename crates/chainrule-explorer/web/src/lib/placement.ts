// Where everything of the network picture stands: columns for inputs, layers and the loss; at most 12 neurons of a layer.
import { formatNumber } from './format'
import type { View } from './contract'

/** More neurons than this are a strip, some of them, and "... n more". */
export const MOST_NEURONS = 12
const EXPANDED = 6
/** The smallest circle that has room for a number, in pixels. */
const READABLE = 15.5
/** Width of a letter of the numbers, for a type size of 1. */
export const LETTER = 0.603

export interface Column {
  layer: number
  x: number
  /** Which neurons are drawn, and where. */
  shown: { neuron: number; y: number }[]
  more: number
  /** Where its part of the picture begins and ends. */
  from: number
  to: number
}

export interface Placement {
  columns: Column[]
  /** The middle of the box of the loss, and half its width. */
  loss: { x: number; y: number; half: number }
  radius: number
  /** What the picture is high: more than the pane where circles would be too small for their numbers. */
  height: number
  /** From one column to the next. */
  gap: number
  /** Whether circles have room for numbers, and columns for names and for numbers beside the circles. */
  withNumbers: boolean
  spacious: boolean
}

/** `sizes` tells how large a neuron's error signal is, for choosing those that are drawn; `enlarged` how much larger the type is than usual; `scrolled` how far the picture is. */
export function place(view: View, width: number, paneHeight: number, scrolled: number, enlarged: number, sizes: (layer: number, neuron: number) => number): Placement {
  const depth = view.layers.length
  const half = 28 * enlarged
  const [left, right, top, bottom] = [46 * enlarged, half + 8, 8, 8]
  // From far away circles and what stands beside them are larger. The columns end where the loss begins, with edges between, and numbers beside the circles where there is room for them.
  const gapBefore = (last: number) => Math.min((width - left - right) / (depth + 1), (width - left - right - half - last * enlarged) / depth)
  const [share, last] = enlarged > 1.1 ? [0.22, 88] : [0.2, 82]
  const isRoomy = gapBefore(last) > 92 * enlarged
  const gap = gapBefore(isRoomy ? last : 38)
  const drawn = view.widths.map((count, layer) => {
    const neurons = Array.from({ length: count }, (_, neuron) => neuron)
    if (count <= MOST_NEURONS) return neurons
    const largest = [...neurons].sort((one, other) => sizes(layer, other) - sizes(layer, one) || one - other)
    return largest.slice(0, EXPANDED).sort((one, other) => one - other)
  })
  /** Room for "... n more", and for the names of inputs under their circles. */
  const below = (layer: number) => (view.widths[layer] > drawn[layer].length ? 18 * enlarged : 0)
  const named = (layer: number) => (layer === 0 && !view.image ? 13 * enlarged : 0)

  // Circles of narrow columns are smaller, and where there is no room for a number at all, they fit the pane.
  const widest = Math.max(gap * share, Math.min(17 * enlarged, gap * 0.36))
  const highOf = (layer: number, radius: number) => drawn[layer].length * (radius * 2.3 + named(layer)) + below(layer) + top + bottom
  // Outputs have their names beside them, in the larger type.
  const needed = Math.max(...drawn.map((_, layer) => highOf(layer, Math.min(layer === depth ? READABLE * enlarged : READABLE, widest))))
  const height = widest >= READABLE ? Math.max(paneHeight, Math.ceil(needed)) : paneHeight
  const vertical = drawn.map((neurons, layer) => ((height - top - bottom - below(layer)) / neurons.length - named(layer)) / 2.3)
  const radius = Math.max(4, Math.min(34 * enlarged, widest, ...vertical))
  const withNumbers = radius >= 14

  // A picture that is higher than the pane scrolls, and what the pane has room for stays in its sight.
  const start = Math.max(0, Math.min(scrolled, height - paneHeight))
  const columns = drawn.map((neurons, layer) => {
    const [from, room] = highOf(layer, radius) <= paneHeight ? [start, paneHeight] : [0, height]
    const space = room - top - bottom - below(layer)
    const shown = neurons.map((neuron, index) => ({ neuron, y: from + top + (space * (index + 0.5)) / neurons.length - named(layer) / 2 }))
    return { layer, x: left + gap * layer, shown, more: view.widths[layer] - neurons.length, from, to: from + room }
  })
  return { columns, loss: { x: width - right, y: start + paneHeight / 2, half }, radius, height, gap, withNumbers, spacious: withNumbers && isRoomy }
}

/** A number with as many digits as `room` pixels hold, at most three; empty if there is no room for one. */
export function fitting(value: number, room: number, type: number): string {
  for (let digits = 3; digits > 0; digits -= 1) {
    const text = formatNumber(value, digits)
    if (text.length * LETTER * type <= room) return text
  }
  return ''
}
