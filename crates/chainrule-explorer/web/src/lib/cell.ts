// Cells as keys, and whether two are the same.
import type { Cell } from './contract'

export const keyOf = (cell: Cell) => `${cell.name}[${cell.row},${cell.column}]`

export const isSame = (one: Cell | null, other: Cell | null) =>
  one !== null && other !== null && one.name === other.name && one.row === other.row && one.column === other.column
