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
  /** Lines go on below, before an operator. */
  broken: boolean
  /** What a line is high at least, in pixels: few rows are all in sight. */
  leastHigh: (line: Part[]) => number
  /** Numbers are smaller, with three digits. */
  compact: boolean
  /** The longest side of a picture and the height of tiles, in pixels. */
  picture: number
  /** How much larger the numbers can be, for those who sit far away; below 1 where large type has no room. */
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

/** Matrices with the operators and numbers before them, so that a line breaks before an operator. */
export function factors(line: Part[]): Part[][] {
  const list: Part[][] = [[]]
  for (const part of line) {
    if (part.type === 'operator' && list.at(-1)!.some(isMatrix)) list.push([])
    list.at(-1)!.push(part)
  }
  return list
}

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

  const [cell, small] = [4 * rem, 3.2 * rem]
  const [row, low] = [1.77 * rem, Math.max(24, 1.2 * rem) + 2]
  /** Numbers as small as they are where nobody sits far away. */
  const least = Math.min(1, 16 / rem)
  const tight = lines.some((line) => line.some((part) => isMatrix(part) && shape(part)[1] > 5) || widthOf(line, cell) > width)
  const inOneRow = (cell: number, columns = SIDE, smaller = 1) => lines.length > 1 && sum(lines.map((line) => widthOf(line, cell, columns) + 36)) * smaller <= width
  const allHigh = (row: number) => sum(lines.map((line) => heightOf(line, row) + 8))
  const easily = inOneRow(tight ? small : cell)
  const compact = tight || (!easily && allHigh(row) > height)
  const beside = easily || (allHigh(low) > height && inOneRow(small, 4, least))
  const [written, high] = compact ? [small, low] : [cell, row]

  /** The parts of a line that stand in one row each, where it breaks. */
  const rowsOf = (line: Part[]) =>
    factors(line).reduce<Part[][]>((rows, factor) => {
      const longer = [...(rows.at(-1) ?? []), ...factor]
      return rows.length && widthOf(longer, written) + 36 <= width ? [...rows.slice(0, -1), longer] : [...rows, factor]
    }, [])
  const across = (line: Part[]) => widthOf(line, written) + 36
  const areNumbers = [...forms.values()].every((form) => form === 'numbers')
  const rows = lines.flatMap(rowsOf)
  /** Whose rows are all in sight, always. */
  const isFew = (part: Part) => !isMatrix(part) || Math.max(...shape(part)) <= 4
  const rowsHigh = sum(rows.map((row) => heightOf(row, high) + 8))
  const broken = !beside && areNumbers && Math.max(...lines.map(across)) * least > width + 16 &&
    rows.every((row) => widthOf(row, written) <= width) && (rowsHigh <= height || lines.flat().every(isFew))

  const share = beside ? height : height / lines.length
  const picture = Math.floor(Math.max(56, Math.min(most, share - label - caption - 14)))
  const widest = beside ? sum(lines.map(across)) : Math.max(...(broken ? rows : lines).map(across))
  const highest = beside ? Math.max(...lines.map((line) => heightOf(line, high) + 8)) : broken ? rowsHigh : allHigh(high)
  const roomier = Math.min((width + 16) / widest, height / highest)
  const enlargement = areNumbers ? Math.max(least, Math.min(1.7, Math.floor(roomier * 20) / 20)) : 1
  const leastHigh = (line: Part[]) => Math.min(heightOf(line, low), label + (line.every(isFew) ? 4 : 3.4) * low)
  return { form, beside, least: (line) => widthOf(line, small, 4) * least, broken, leastHigh, compact, picture, enlargement }
}
