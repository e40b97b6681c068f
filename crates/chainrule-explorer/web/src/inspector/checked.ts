// How one compared cell of the check is written and how strongly it is drawn.
import type { CheckedCell, TensorCheck } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'
import { formatNumber, symbol, toNumber } from '../lib/format'

export const sides = (tensor: TensorCheck): [rows: number, columns: number] =>
  tensor.shape.length === 2 ? [tensor.shape[0], tensor.shape[1]] : [1, tensor.shape[0]]

export function titleOf(tensor: TensorCheck): string {
  const value = explorer.value(tensor.name)
  return value ? symbol(value.kind, value.layer) : tensor.name
}

/** The compared cells by place; not every cell is there. */
export function byPlace(tensor: TensorCheck): Map<number, CheckedCell> {
  const columns = sides(tensor)[1]
  return new Map(tensor.cells.map((cell) => [cell.row * columns + cell.column, cell]))
}

/** The power of ten of the relative error, as "1e-9" is written. */
export function power(cell: CheckedCell): number {
  const error = toNumber(cell.relative_error)
  return error === 0 ? -17 : Number(error.toExponential(0).split('e')[1])
}

export function short(cell: CheckedCell | undefined): string {
  if (!cell) return '·'
  if (cell.verdict === 'kink') return '∧'
  if (cell.verdict === 'differs') return '✗'
  return toNumber(cell.relative_error) === 0 ? '=' : String(power(cell)).replace('-', '−')
}

export function inWords(cell: CheckedCell | undefined): string {
  if (!cell) return 'not checked'
  if (cell.verdict === 'kink') return 'not differentiable here'
  return `${cell.verdict}, relative error ${formatNumber(toNumber(cell.relative_error), 2)}`
}

/** 0 to 1: from no digit in common to all. */
export const agreement = (cell: CheckedCell): number => Math.max(0, Math.min(1, -power(cell) / 12))
