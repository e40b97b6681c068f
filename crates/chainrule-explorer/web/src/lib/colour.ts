// Fills of cells: blue above zero, orange below, stronger with magnitude. The sign is always printed as well.

/** 0 to 1: how large a value is on its scale; square-rooted, so that small values are seen. */
export function strength(value: number, scale: number): number {
  if (!Number.isFinite(value)) return 1
  return scale > 0 ? Math.min(1, Math.sqrt(Math.abs(value) / scale)) : 0
}

type Rgb = [number, number, number]

/** The colours of a canvas, which has no custom properties of its own. */
export interface Palette {
  paper: Rgb
  positive: Rgb
  negative: Rgb
  odd: Rgb
  changed: Rgb
}

/** Reads a colour of the style sheet as the browser resolves it, in whichever theme is on. */
function resolve(property: string): Rgb {
  const probe = document.createElement('span')
  probe.style.color = `var(${property})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  const numbers = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0]
  return [numbers[0], numbers[1], numbers[2]]
}

const palettes = new Map<string, Palette>()

/** Resolved once for each theme: to ask the browser makes it lay out the page. */
export function palette(): Palette {
  const theme = document.documentElement.dataset.theme ?? String(matchMedia('(prefers-color-scheme: dark)').matches)
  const known = palettes.get(theme)
  if (known) return known
  const colours = {
    paper: resolve('--raised'), positive: resolve('--positive'), negative: resolve('--negative'), odd: resolve('--bad'), changed: resolve('--warning'),
  }
  palettes.set(theme, colours)
  return colours
}

/** Draws numbers as pixels, one each, row by row. */
export function paint(
  context: CanvasRenderingContext2D,
  rows: number,
  columns: number,
  get: (row: number, column: number) => number,
  scale: number,
  colours: Palette,
) {
  const image = context.createImageData(columns, rows)
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = get(row, column)
      const towards = Number.isFinite(value) ? (value < 0 ? colours.negative : colours.positive) : colours.odd
      const share = strength(value, scale)
      const at = 4 * (row * columns + column)
      for (let channel = 0; channel < 3; channel += 1) {
        image.data[at + channel] = colours.paper[channel] + (towards[channel] - colours.paper[channel]) * share
      }
      image.data[at + 3] = 255
    }
  }
  context.putImageData(image, 0, 0)
}

/** Draws a dot in the middle of each cell that `isChanged` names, edged so that it is seen on every fill. */
export function mark(
  context: CanvasRenderingContext2D,
  rows: number,
  columns: number,
  isChanged: (row: number, column: number) => boolean,
  colours: Palette,
) {
  const { width, height } = context.canvas
  const [across, down] = [width / columns, height / rows]
  const radius = Math.max(0.6, Math.min(across, down) * 0.2)
  const css = ([red, green, blue]: Rgb) => `rgb(${red} ${green} ${blue})`
  const dots = (size: number, colour: Rgb) => {
    context.fillStyle = css(colour)
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        if (!isChanged(row, column)) continue
        context.beginPath()
        context.arc((column + 0.5) * across, (row + 0.5) * down, size, 0, 7)
        context.fill()
      }
    }
  }
  context.clearRect(0, 0, width, height)
  if (radius > 1.2) dots(radius + Math.max(1, radius * 0.4), colours.paper)
  dots(radius, colours.changed)
}
