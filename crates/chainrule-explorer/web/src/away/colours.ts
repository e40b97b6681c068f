// Colours as every program that reads pictures knows them: the browser's own may be mixed in other spaces.

const known = new Map<string, { rgb: string; opacity: number }>()
let context: CanvasRenderingContext2D | null = null

export function plain(colour: string): { rgb: string; opacity: number } {
  const found = known.get(colour)
  if (found) return found
  context ??= Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true })!
  context.clearRect(0, 0, 1, 1)
  context.fillStyle = colour
  context.fillRect(0, 0, 1, 1)
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data
  const result = { rgb: `rgb(${red},${green},${blue})`, opacity: Number((alpha / 255).toFixed(3)) }
  known.set(colour, result)
  return result
}
