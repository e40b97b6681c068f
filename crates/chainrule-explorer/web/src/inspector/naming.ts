// How the inspector calls neurons, inputs and samples, and what selecting them means.
import { explorer, type Selection } from '../lib/explorer.svelte'

/** "input 3 (petal length)", "neuron 2 of layer 1". */
export function neuronText(layer: number, index: number): string {
  const view = explorer.view!
  const names = layer === 0 ? view.input_names : layer === view.layers.length ? view.output_names : null
  const name = names?.[index] ? ` (${names[index]})` : ''
  return layer === 0 ? `input ${index + 1}${name}` : `neuron ${index + 1} of layer ${layer}${name}`
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** Functions are called "leaky_relu" on the way here. */
export const spoken = (name: string) => name.replaceAll('_', ' ')

export const neuronSelection = (layer: number, index: number, direction: 'forward' | 'backward'): Selection =>
  layer === 0 ? { target: 'input', column: index } : { target: 'neuron', layer, neuron: index, direction }
