// The puzzle of assembling a formula from tiles: which tiles there are, what must come out, and what a choice amounts to.
import type { Kind, View } from '../lib/contract'
import { isFlipped } from '../lib/equation'
import { count, dimensions, shapeText, symbol } from '../lib/format'

export type Target = 'pre_activation' | 'error' | 'weight_gradient'

export interface Tile {
  name: string
  kind: Kind
  /** "W(2)ᵀ", and as it is spoken. */
  text: string
  spoken: string
  transposed: boolean
  shape: [rows: number, columns: number]
}

export interface Puzzle {
  /** Every value with its transpose. */
  tiles: Tile[]
  answer: [Tile, Tile]
  shape: [rows: number, columns: number]
  /** "z(1)", and what its rows and columns stand for. */
  result: string
  meaning: string
}

/** Samples are columns here, as on the stage; the trace has them as rows. */
function tile(view: View, name: string, transposed: boolean): Tile {
  const value = view.values.find((value) => value.name === name)!
  const [rows, columns] = dimensions(value)
  const text = symbol(value.kind, value.layer)
  return {
    name, kind: value.kind, transposed, text: transposed ? `${text}ᵀ` : text, spoken: transposed ? `${text} transposed` : text,
    shape: isFlipped(value.kind, transposed) ? [columns, rows] : [rows, columns],
  }
}

export function puzzle(view: View, target: Target, l: number): Puzzle {
  const of = (...names: string[]) => names.flatMap((name) => [tile(view, name, false), tile(view, name, true)])
  const pair = (left: string, right: string, transposed: 'left' | 'right' | null): [Tile, Tile] =>
    [tile(view, left, transposed === 'left'), tile(view, right, transposed === 'right')]
  const [width, inputs, samples] = [view.widths[l], view.widths[l - 1], view.samples]
  const neurons = `${width === 1 ? 'one row for the only neuron' : `one row for each of the ${width} neurons`} of layer ${l}, one column for each sample`
  switch (target) {
    case 'pre_activation':
      return {
        tiles: of(`weight.${l}`, `a.${l - 1}`, `a.${l}`, `delta.${l}`),
        answer: pair(`weight.${l}`, `a.${l - 1}`, null), shape: [width, samples], result: symbol('pre_activation', l),
        meaning: neurons,
      }
    case 'error':
      return {
        tiles: of(`weight.${l + 1}`, `delta.${l + 1}`, `a.${l}`, `weight.${l}`),
        answer: pair(`weight.${l + 1}`, `delta.${l + 1}`, 'left'), shape: [width, samples], result: symbol('error', l),
        meaning: neurons,
      }
    case 'weight_gradient':
      return {
        tiles: of(`delta.${l}`, `a.${l - 1}`, `a.${l}`, `weight.${l}`),
        answer: pair(`delta.${l}`, `a.${l - 1}`, 'right'), shape: [width, inputs], result: symbol('weight_gradient', l),
        meaning: `the shape of W(${l}), one number for each weight`,
      }
  }
}

/** A single number is its own transpose. */
const alike = (one: Tile, other: Tile) =>
  one.name === other.name && (one.transposed === other.transposed || (one.shape[0] === 1 && one.shape[1] === 1))

const isNumber = ({ shape }: Tile) => shape[0] === 1 && shape[1] === 1

export function isAnswer({ answer }: Puzzle, left: Tile, right: Tile): boolean {
  if (alike(left, answer[0]) && alike(right, answer[1])) return true
  return isNumber(left) && isNumber(right) && alike(left, answer[1]) && alike(right, answer[0])
}

export const isJoined = (left: Tile, right: Tile) => left.shape[1] === right.shape[0]

const fits = ({ shape }: Puzzle, left: Tile, right: Tile) =>
  isJoined(left, right) && left.shape[0] === shape[0] && right.shape[1] === shape[1]

/** Pairs of these tiles that have the right shape and are not the formula: what shapes cannot tell. */
export function impostors(puzzle: Puzzle): [Tile, Tile][] {
  return puzzle.tiles.flatMap((left) =>
    puzzle.tiles.filter((right) => fits(puzzle, left, right) && !isAnswer(puzzle, left, right)).map((right): [Tile, Tile] => [left, right]),
  )
}

/** Why a pair that is not the formula fits all the same. */
export function excuse({ answer }: Puzzle, pair: [Tile, Tile]): string {
  const reasons = pair.map((tile, side) => {
    const own = answer[side]
    if (alike(tile, own) || String(tile.shape) !== String(own.shape)) return null
    if (tile.name !== own.name) return `${tile.text} has the same shape as ${own.text}.`
    const plain = tile.transposed ? own.text : tile.text
    return tile.kind === 'weight'
      ? `${plain} is square, so it fits both ways round.`
      : `There are as many samples as ${own.name === 'a.0' ? 'inputs' : 'neurons'}, so ${plain} is square and fits both ways round.`
  })
  const given = reasons.filter((reason) => reason !== null)
  return given.length > 0 ? given.join(' ') : 'Its tiles join at another inner dimension and give the same shape.'
}

export interface Verdict {
  outcome: 'open' | 'clash' | 'misfit' | 'impostor' | 'right'
  words: string
}

export function verdict(puzzle: Puzzle, left: Tile | null, right: Tile | null): Verdict {
  const wanted = `${puzzle.result} must be ${shapeText(...puzzle.shape)}`
  if (!left || !right) return { outcome: 'open', words: `${wanted}: ${puzzle.meaning}.` }
  const product = `${left.text} · ${right.text}`
  if (!isJoined(left, right)) {
    const words = `The inner dimensions clash: a row of ${left.text} has ${count(left.shape[1], 'number')}, a column of ${right.text} has ${right.shape[0]}. `
      + 'They cannot be paired, so there is no such product.'
    return { outcome: 'clash', words }
  }
  const made = shapeText(left.shape[0], right.shape[1])
  if (!fits(puzzle, left, right)) {
    const words = `The inner dimensions join, and ${product} is ${made}. But ${wanted}: ${puzzle.meaning}.`
    return { outcome: 'misfit', words }
  }
  if (!isAnswer(puzzle, left, right)) {
    return { outcome: 'impostor', words: `Everything fits, and it is still wrong: ${product} has the shape of ${puzzle.result}, but it is another formula.` }
  }
  return { outcome: 'right', words: `${product} is ${made}, ${puzzle.meaning}.` }
}
