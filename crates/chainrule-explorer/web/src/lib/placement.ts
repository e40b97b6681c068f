// Where everything of the network picture stands: columns for inputs, layers and the loss; at most 12 neurons of a layer.
import type { View } from './contract'

/** More neurons than this are a strip, some of them, and "... n more". */
export const MOST_NEURONS = 12
const EXPANDED = 6

export interface Column {
  layer: number
  x: number
  /** Which neurons are drawn, and where. */
  shown: { neuron: number; y: number }[]
  more: number
}

export interface Placement {
  columns: Column[]
  loss: { x: number; y: number }
  radius: number
}

/** `sizes` tells how large a neuron's error signal is, for choosing those that are drawn. */
export function place(view: View, width: number, height: number, sizes: (layer: number, neuron: number) => number): Placement {
  const depth = view.layers.length
  const [left, right, top, bottom] = [46, 46, 34, 16]
  // The loss is as wide as three narrow columns.
  const gap = Math.min((width - left - right) / (depth + 1), (width - left - right - 62) / depth)
  const drawn = view.widths.map((count, layer) => {
    const neurons = Array.from({ length: count }, (_, neuron) => neuron)
    if (count <= MOST_NEURONS) return neurons
    const largest = [...neurons].sort((one, other) => sizes(layer, other) - sizes(layer, one) || one - other)
    return largest.slice(0, EXPANDED).sort((one, other) => one - other)
  })
  const most = Math.max(...drawn.map((neurons) => neurons.length))
  const radius = Math.max(4, Math.min(34, gap * 0.2, (height - top - bottom) / (most * 2.35)))
  const columns = drawn.map((neurons, layer) => {
    const more = view.widths[layer] - neurons.length
    const space = height - top - bottom - (more > 0 ? 18 : 0)
    const shown = neurons.map((neuron, index) => ({ neuron, y: top + (space * (index + 0.5)) / neurons.length }))
    return { layer, x: left + gap * layer, shown, more }
  })
  return { columns, loss: { x: width - right, y: top + (height - top - bottom) / 2 }, radius }
}
