// Where the ticks of a picture's axes stand, and how they are written.

/** Round numbers within a range, about as many as wanted. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / wanted
  if (!(rough > 0)) return [low]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1)
  const first = Math.ceil(low / step)
  const length = Math.floor(high / step) - first + 1
  return Array.from({ length }, (_, index) => Number(((first + index) * step).toPrecision(12)))
}

/** Exponents of the powers of ten between two, at most so many. */
export function decades(lowest: number, highest: number, most: number): number[] {
  const step = Math.max(1, Math.ceil((highest - lowest) / most))
  const first = Math.ceil(lowest / step) * step
  return Array.from({ length: Math.floor((highest - first) / step) + 1 }, (_, index) => first + index * step)
}

export const tickText = (value: number) => String(value).replace('-', '−')
