// How numbers, names and shapes are written. Indices on the screen count from 1.
import type { Cell, Kind, Num, Value } from './contract'

export const toNumber = (value: Num): number => (typeof value === 'number' ? value : Number(value))

/** The sign is always printed, so that colour is never the only sign of it. */
export function formatNumber(value: number, digits = 4, signed = false): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  const text = size >= 1e5 || size < 1e-3 ? size.toExponential(digits - 1) : size.toPrecision(digits)
  const [mantissa, exponent] = text.split('e')
  const shown = exponent ? `${mantissa}e${exponent.replace('+', '').replace('-', '−')}` : mantissa
  return (value < 0 ? '−' : signed ? '+' : '') + shown
}

/** All 17 digits where they are needed: what the program computed, exactly. */
export const exact = (value: number): string => String(value).replaceAll('-', '−').replace('Infinity', '∞')

/** "1,000" is a thousand to some and one to others. */
const isAmbiguous = (trimmed: string) => /^[-+]?[1-9]\d{0,2}(,\d{3})+$/.test(trimmed)

/** Why what a person typed is not taken. */
export const whyNot = (text: string): string =>
  text.trim() === '' ? 'there is no number'
  : isAmbiguous(text.trim().replace(/−/g, '-')) ? `write ${text.trim().replaceAll(',', '')} or ${text.trim().replace(',', '.')}`
  : 'not a number'

/** What a person typed; undefined if it is not a number. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim().replace(/−/g, '-')
  if (isAmbiguous(trimmed)) return undefined
  const cleaned = trimmed.replace(',', '.')
  if (cleaned === '') return undefined
  const value = Number(cleaned)
  return Number.isFinite(value) ? value : undefined
}

export const count = (n: number, one: string, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** For narrow columns: "96", "1.3K", "2M". */
export function shortBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 4)
  return `${Number((bytes / 1024 ** power).toPrecision(power ? 2 : 4))}${['', 'K', 'M', 'G', 'T'][power]}`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4)
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}

export const shapeText = (rows: number, columns: number) => `${rows}×${columns}`

/** Rows and columns of any value, as it is stored. */
export function dimensions(value: Value): [rows: number, columns: number] {
  const [first, second] = value.shape
  if (second !== undefined) return [first, second]
  return [1, first ?? 1]
}

/** What a kind is of a layer's tensor of parameters, and the tensor's number in its layer; null for all other kinds. */
export function tensorOf(kind: Kind): { number: number; form: 'parameter' | 'gradient' | 'updated' } | null {
  const [, updated, name, digits, gradient] = /^(updated_)?(weight|bias|parameter_(\d+))(_gradient)?$/.exec(kind) ?? []
  if (!name) return null
  const number = digits ? Number(digits) : name === 'weight' ? 0 : 1
  return { number, form: updated ? 'updated' : gradient ? 'gradient' : 'parameter' }
}

const SYMBOLS: Partial<Record<Kind, string>> = {
  activation: 'a', target: 'y', pre_activation: 'z', loss: 'ℒ', error: 'e', slope: 'σ′', delta: 'δ',
}

/** "W(2)", "δ(1)", "y", "ℒ", "dp2(3)": p2 is a layer's third tensor of parameters, behind W and b. */
export function symbol(kind: Kind, layer: number): string {
  if (kind === 'target' || kind === 'loss') return SYMBOLS[kind]!
  const tensor = tensorOf(kind)
  if (!tensor) return `${SYMBOLS[kind]}(${layer})`
  const letter = ['W', 'b'][tensor.number] ?? `p${tensor.number}`
  return `${tensor.form === 'gradient' ? 'd' : ''}${letter}(${layer})${tensor.form === 'updated' ? ' new' : ''}`
}

export const PER_SAMPLE: Kind[] = ['activation', 'target', 'pre_activation', 'error', 'slope', 'delta']

/** Names a value's cells: "W(2)[1, 3]", "δ(1)[2]", and the sample where there are several. */
export function cellNames({ kind, layer, shape }: Pick<Value, 'kind' | 'layer' | 'shape'>, samples: number): (row: number, column: number) => string {
  const base = symbol(kind, layer)
  if (kind === 'loss') return () => base
  if (PER_SAMPLE.includes(kind)) return (row, column) => `${base}[${column + 1}]${samples > 1 ? `, sample ${row + 1}` : ''}`
  return shape.length === 1 ? (_, column) => `${base}[${column + 1}]` : (row, column) => `${base}[${row + 1}, ${column + 1}]`
}

export const cellText = (value: Pick<Value, 'kind' | 'layer' | 'shape'>, { row, column }: Pick<Cell, 'row' | 'column'>, samples: number) =>
  cellNames(value, samples)(row, column)

const SIGNS: [RegExp, string][] = [
  [/\bdelta\b(?!_)/g, 'δ'], [/\beta\b/g, 'η'], [/\bpi\b/g, 'π'], [/\bPhi\b/g, 'Φ'], [/\bphi\b/g, 'φ'], [/\bsigma'/g, 'σ′'], [/\bsqrt\(/g, '√('],
  [/\^T/g, 'ᵀ'], [/\^2/g, '²'], [/\^3/g, '³'], [/->/g, '→'], [/<=/g, '≤'], [/>=/g, '≥'], [/ - /g, ' − '], [/= -/g, '= −'], [/ \.\* /g, ' ⊙ '], [/ \* /g, ' × '],
  [/dLoss/g, '∂ℒ'], [/\bda(?=[(\[])/g, '∂a'], [/\/d(?=[azw]\b)/g, '/∂'],
]

/** The engine's plain text with the page's symbols: "delta(2)" is δ(2), "W(2)^T" is W(2)ᵀ. */
export const withSymbols = (text: string): string => SIGNS.reduce((text, [plain, sign]) => text.replace(plain, sign), text)

/** The same for a formula, in which every hyphen is a minus. */
export const asFormula = (text: string): string => withSymbols(text).replaceAll('-', '−').replace(/(?<![\d.])1 \/ 2(?!\d)/g, '½')

/** The colour of a kind of quantity: the name of a CSS class and of its custom property. */
export type Hue = 'a' | 'w' | 'z' | 'delta' | 'gradient' | 'loss' | 'target'

export function hue(kind: Kind): Hue {
  switch (kind) {
    case 'activation': return 'a'
    case 'target': return 'target'
    case 'loss': return 'loss'
    case 'pre_activation': case 'slope': return 'z'
    case 'error': case 'delta': return 'delta'
    default: return tensorOf(kind)?.form === 'gradient' ? 'gradient' : 'w'
  }
}
