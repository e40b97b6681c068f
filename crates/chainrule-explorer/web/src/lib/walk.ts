// The order in which the numbers of one event are computed, for stepping through it product by product.
import type { Cell, TraceEvent, View } from './contract'
import { dimensions } from './format'

/** One output cell of an event, and how many products are added up for it. */
export interface Stop {
  cell: Cell
  term: number
  terms: number
}

function termsOf(view: View, event: TraceEvent): number {
  switch (event.operation) {
    case 'affine': return view.widths[event.layer - 1]
    case 'carry_back': return view.widths[event.layer + 1]
    case 'gradients': return view.samples
    case 'loss': return view.samples
    default: return 1
  }
}

function cellCount(view: View, name: string): [rows: number, columns: number] {
  return dimensions(view.values.find((value) => value.name === name)!)
}

/** What is computed element by element: slopes come before the deltas that need them. */
export function walked(event: TraceEvent): string[] {
  return [...event.outputs].sort((one, other) => rank(one) - rank(other))
}

const rank = (name: string) => (name.startsWith('error') ? 0 : name.startsWith('slope') ? 1 : name.startsWith('delta') ? 2 : 3)

export function elementCount(view: View, event: TraceEvent): number {
  const cells = walked(event).map((name) => cellCount(view, name)).map(([rows, columns]) => rows * columns)
  return cells.reduce((sum, cells) => sum + cells, 0) * termsOf(view, event)
}

export function stopAt(view: View, event: TraceEvent, element: number): Stop {
  const terms = termsOf(view, event)
  let index = Math.floor(element / terms)
  for (const name of walked(event)) {
    const [rows, columns] = cellCount(view, name)
    if (index < rows * columns) {
      const cell = { name, row: Math.floor(index / columns), column: index % columns }
      return { cell, term: element % terms, terms }
    }
    index -= rows * columns
  }
  throw new RangeError('no such element')
}

/** Whether a cell of the event's outputs comes before `stop`. */
export function isBefore(event: TraceEvent, cell: Cell, stop: Stop): boolean {
  const names = walked(event)
  const [own, other] = [names.indexOf(cell.name), names.indexOf(stop.cell.name)]
  if (own !== other) return own < other
  return cell.row < stop.cell.row || (cell.row === stop.cell.row && cell.column < stop.cell.column)
}
