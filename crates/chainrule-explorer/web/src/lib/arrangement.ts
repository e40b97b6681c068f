// How the matrices of an operation share the stage: which stand as numbers, as tiles or as pictures, and how large.
import type { Value, View } from './contract'
import { drawnShape, type Part } from './equation'
import { isLarge } from './seen.svelte'

/** A matrix stands as numbers up to this many rows and columns; where there is no room for all, its box scrolls. */
const SIDE = 16
/** Numbers on the whole stage: three matrices of 16 x 16 and their biases. */
const CELLS = 850

export type Form = 'numbers' | 'tiles' | 'picture'

export interface Arrangement {
  form: (name: string) => Form
  /** Lines stand next to each other, */
  beside: boolean
  /** and no narrower than this, in pixels. */
  least: (line: Part[]) => number
  /** Numbers are smaller, with three digits. */
  compact: boolean
  /** The longest side of a picture and the height of tiles, in pixels. */
  picture: number
  /** How much larger the numbers can be, for those who sit far away. */
  enlargement: number
}

/** What there is for the lines, and the size of type, in pixels. */
export interface Room {
  width: number
  height: number
  rem: number
}

type MatrixPart = Extract<Part, { type: 'matrix' }>
const isMatrix = (part: Part): part is MatrixPart => part.type === 'matrix'
const sum = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0)

export function arrange(view: View, valueOf: (name: string) => Value, lines: Part[][], oneSample: boolean, { width, height, rem }: Room): Arrangement {
  const shape = (part: MatrixPart) => drawnShape(valueOf(part.name), part.transposed, oneSample)
  const isTiled = ({ name }: MatrixPart) => view.image !== null && ['a.0', 'weight.1', 'weight_gradient.1'].includes(name)

  const forms = new Map<string, Form>()
  let left = CELLS
  for (const part of lines.flat().filter(isMatrix)) {
    const [rows, columns] = shape(part)
    const fits = Math.max(rows, columns) <= SIDE && (left -= rows * columns) >= 0
    forms.set(part.name, isTiled(part) ? 'tiles' : fits ? 'numbers' : 'picture')
  }
  const form = (name: string) => forms.get(name)!

  const [label, caption] = [1.7 * rem, 1.5 * rem]
  const most = 9.5 * rem
  /** A cell of a large grid. */
  const wide = 4.2 * rem
  /** Of all numbers with `cell` pixels each; `columns` of a grid at most. */
  const widthOf = (line: Part[], cell: number, columns = SIDE) =>
    sum(line.map((part) => {
      if (part.type === 'operator') return 20 + 0.5 * rem * part.text.length
      if (part.type === 'number') return 4 * rem
      const named = (part.name.startsWith('updated') ? 6 : 4.2) * rem
      return 24 + Math.max(named, form(part.name) === 'numbers' ? Math.min(columns, shape(part)[1]) * (isLarge(...shape(part)) ? wide : cell) : form(part.name) === 'tiles' ? 11 * rem : most)
    }))
  const heightOf = (line: Part[], cell: number) =>
    label + Math.max(...line.map((part) => (!isMatrix(part) ? 0 : form(part.name) === 'numbers' ? shape(part)[0] * cell : most + caption)))

  const [cell, small] = [3.95 * rem, 2.95 * rem]
  const compact = lines.some((line) => line.some((part) => isMatrix(part) && shape(part)[1] > 5) || widthOf(line, cell) > width)
  const inOneRow = (cell: number, columns?: number) => sum(lines.map((line) => widthOf(line, cell, columns) + 36)) <= width
  const inRows = sum(lines.map((line) => heightOf(line, 1.75 * rem) + 8)) <= height
  const beside = lines.length > 1 && (inOneRow(compact ? small : cell) || (!inRows && inOneRow(small, 4)))

  const share = beside ? height : height / lines.length
  const picture = Math.floor(Math.max(56, Math.min(most, share - label - caption - 14)))
  const written = compact ? small : cell
  const across = lines.map((line) => widthOf(line, written) + 36)
  const roomier = Math.min((width + 16) / (beside ? sum(across) : Math.max(...across)), share / Math.max(...lines.map((line) => heightOf(line, 1.85 * rem) + 14)))
  const enlargement = [...forms.values()].every((form) => form === 'numbers') ? Math.max(1, Math.min(1.7, Math.floor(roomier * 20) / 20)) : 1
  return { form, beside, least: (line) => widthOf(line, small, 4), compact, picture, enlargement }
}
