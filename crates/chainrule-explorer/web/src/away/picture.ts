// A part of the page as an SVG picture, as it stands there: boxes, lines of text, drawings and pictures, nothing else.
import { plain } from './colours'

const SVG = 'http://www.w3.org/2000/svg'

/** What a drawing's elements take from the style sheet. */
const DRAWN = [
  'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin', 'fill-opacity', 'stroke-opacity', 'opacity', 'font-family', 'font-size',
  'font-weight', 'font-style', 'text-anchor', 'paint-order', 'dominant-baseline',
]
const SIDES = ['Top', 'Right', 'Bottom', 'Left'] as const

type Attributes = Record<string, string | number>

function make(name: string, attributes: Attributes, parent: Element): SVGElement {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === 'number' ? String(Number(value.toFixed(2))) : value)
  parent.append(element)
  return element
}

const fill = (colour: string): Attributes => {
  const { rgb, opacity } = plain(colour)
  return opacity < 1 ? { fill: rgb, 'fill-opacity': opacity } : { fill: rgb }
}

const isHidden = (style: CSSStyleDeclaration) =>
  style.display === 'none' || style.visibility !== 'visible' || style.opacity === '0' || style.clipPath !== 'none'

export class Picture {
  readonly width: number
  readonly height: number
  #root: SVGElement
  #left: number
  #top: number
  #names = 0

  constructor(element: Element) {
    const box = element.getBoundingClientRect()
    this.width = Math.ceil(box.width)
    this.height = Math.ceil(box.height)
    this.#left = box.left
    this.#top = box.top
    this.#root = document.createElementNS(SVG, 'svg')
    for (const [key, value] of Object.entries({ xmlns: SVG, width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}` })) this.#root.setAttribute(key, String(value))
    make('rect', { width: this.width, height: this.height, ...fill(getComputedStyle(document.body).backgroundColor) }, this.#root)
    this.#element(element, this.#root)
  }

  get text(): string {
    return new XMLSerializer().serializeToString(this.#root)
  }

  /** The picture with so many pixels for each of its own. */
  async png(scale = 2): Promise<Blob> {
    const url = URL.createObjectURL(new Blob([this.text], { type: 'image/svg+xml' }))
    const image = new Image(this.width, this.height)
    image.src = url
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: this.width * scale, height: this.height * scale })
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
    URL.revokeObjectURL(url)
    return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png'))
  }

  #at({ left, top, width, height }: DOMRect): { x: number; y: number; width: number; height: number } {
    return { x: left - this.#left, y: top - this.#top, width, height }
  }

  #element(element: Element, into: Element) {
    const style = getComputedStyle(element)
    if (isHidden(style)) return
    if (style.opacity !== '1') into = make('g', { opacity: style.opacity }, into)
    const box = element.getBoundingClientRect()
    if (element instanceof SVGSVGElement) return this.#drawing(element, box, into)
    if (element instanceof HTMLCanvasElement) {
      make('image', { ...this.#at(box), href: element.toDataURL(), 'image-rendering': 'pixelated', preserveAspectRatio: 'none' }, into)
      return
    }
    if (element instanceof HTMLInputElement && element.type === 'range') return this.#slider(element, box, into)
    if (element instanceof HTMLInputElement && (element.type === 'radio' || element.type === 'checkbox')) return this.#mark(element, style, box, into)
    this.#box(style, box, into)
    if (element.localName === 'mfrac') this.#bar(element, style, into)
    if (element instanceof HTMLSelectElement) return this.#line(element.selectedOptions[0]?.text ?? '', style, box, into, parseFloat(style.paddingLeft))
    if (element instanceof HTMLInputElement) return element.type === 'text' ? this.#line(element.value, style, box, into, parseFloat(style.paddingLeft)) : undefined
    const inside = style.overflow === 'visible' ? into : this.#clipped(box, into)
    for (const child of element.childNodes) {
      if (child instanceof Element) this.#element(child, inside)
      else if (child instanceof Text) this.#words(child, style, inside)
    }
  }

  #clipped(box: DOMRect, into: Element): Element {
    const id = `clip-${(this.#names += 1)}`
    make('rect', this.#at(box), make('clipPath', { id }, this.#root))
    return make('g', { 'clip-path': `url(#${id})` }, into)
  }

  #box(style: CSSStyleDeclaration, box: DOMRect, into: Element) {
    const { x, y, width, height } = this.#at(box)
    const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, width / 2, height / 2)
    const border = SIDES.map((side) => ({
      width: style[`border${side}Style`] === 'none' ? 0 : parseFloat(style[`border${side}Width`]), colour: style[`border${side}Color`], style: style[`border${side}Style`],
    }))
    const dash = (kind: string): Attributes => (kind === 'dashed' ? { 'stroke-dasharray': '4 3' } : kind === 'dotted' ? { 'stroke-dasharray': '1 2' } : {})
    const shades = style.backgroundImage.match(/(?:rgba?|color|ok\w+|lab|lch)\([^)]*\)/g)
    if (shades) make('rect', { x, y, width, height, fill: `url(#${this.#gradient(shades)})` }, into)
    else if (plain(style.backgroundColor).opacity > 0) make('rect', { x, y, width, height, rx: radius, ...fill(style.backgroundColor) }, into)
    if (style.outlineStyle !== 'none' && style.outlineStyle !== 'auto' && parseFloat(style.outlineWidth) > 0) {
      const offset = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth) / 2
      make('rect', { x: x - offset, y: y - offset, width: width + 2 * offset, height: height + 2 * offset, rx: radius, fill: 'none', stroke: plain(style.outlineColor).rgb, 'stroke-width': parseFloat(style.outlineWidth) }, into)
    }
    const [first] = border
    const isSame = border.every((side) => side.width === first.width && side.colour === first.colour && side.style === first.style)
    if (isSame && first.width > 0 && plain(first.colour).opacity > 0) {
      const half = first.width / 2
      make('rect', { x: x + half, y: y + half, width: width - first.width, height: height - first.width, rx: radius, fill: 'none', stroke: plain(first.colour).rgb, 'stroke-width': first.width, ...dash(first.style) }, into)
    } else if (!isSame) {
      const ends = [[x, y, x + width, y], [x + width, y, x + width, y + height], [x, y + height, x + width, y + height], [x, y, x, y + height]]
      border.forEach((side, index) => {
        if (side.width === 0 || plain(side.colour).opacity === 0) return
        const [x1, y1, x2, y2] = ends[index]
        make('line', { x1, y1, x2, y2, stroke: plain(side.colour).rgb, 'stroke-width': side.width, ...dash(side.style) }, into)
      })
    }
  }

  /** Colours from left to right. */
  #gradient(shades: string[]): string {
    const id = `shades-${(this.#names += 1)}`
    const gradient = make('linearGradient', { id }, this.#root)
    shades.forEach((shade, index) => make('stop', { offset: index / (shades.length - 1), 'stop-color': plain(shade).rgb }, gradient))
    return id
  }

  /** The track of a slider, and where it stands. */
  #slider(input: HTMLInputElement, box: DOMRect, into: Element) {
    const { x, y, width, height } = this.#at(box)
    const [low, high] = [Number(input.min), Number(input.max)]
    const thumb = x + 8 + (width - 16) * ((input.valueAsNumber - low) / (high - low || 1))
    const accent = plain(getComputedStyle(document.querySelector('button.primary') ?? input).backgroundColor).rgb
    make('line', { x1: x + 4, x2: x + width - 4, y1: y + height / 2, y2: y + height / 2, stroke: accent, 'stroke-width': 3, 'stroke-opacity': 0.4 }, into)
    make('circle', { cx: thumb, cy: y + height / 2, r: 8, fill: accent }, into)
  }

  /** A round or a square box, with a mark in it or not. */
  #mark(input: HTMLInputElement, style: CSSStyleDeclaration, box: DOMRect, into: Element) {
    const { x, y, width, height } = this.#at(box)
    const side = Math.min(width, height, 16)
    const [left, top, round] = [x + (width - side) / 2, y + (height - side) / 2, input.type === 'radio' ? side / 2 : 3]
    const ink = plain(style.color).rgb
    make('rect', { x: left, y: top, width: side, height: side, rx: round, fill: 'none', stroke: ink, 'stroke-width': 1 }, into)
    if (input.checked) make('rect', { x: left + 4, y: top + 4, width: side - 8, height: side - 8, rx: Math.min(round, side / 2 - 4), fill: ink }, into)
  }

  /** The bar of a fraction stands between its two parts. */
  #bar(element: Element, style: CSSStyleDeclaration, into: Element) {
    const [above, below] = [...element.children].map((part) => part.getBoundingClientRect())
    const { x, width } = this.#at(element.getBoundingClientRect())
    const y = (above.bottom + below.top) / 2 - this.#top
    make('line', { x1: x, x2: x + width, y1: y, y2: y, stroke: plain(style.color).rgb, 'stroke-width': 1 }, into)
  }

  /** The text of a node, line by line as it is broken on the page. */
  #words(node: Text, style: CSSStyleDeclaration, into: Element) {
    // The spaces at its ends may take room or not.
    const [first, last] = [node.data.search(/\S/), node.data.trimEnd().length]
    if (first < 0) return
    const range = document.createRange()
    range.setStart(node, first)
    range.setEnd(node, last)
    const boxes = [...range.getClientRects()]
    if (boxes.length === 0) return
    if (boxes.length === 1) return this.#line(node.data.slice(first, last).replace(/\s+/g, ' '), style, boxes[0], into)
    let [line, box] = ['', null as DOMRect | null]
    for (let index = first; index < last; index += 1) {
      range.setStart(node, index)
      range.setEnd(node, index + 1)
      const letter = range.getBoundingClientRect()
      if (box && letter.width > 0 && Math.abs(letter.top - box.top) > letter.height / 2) {
        this.#line(line.replace(/\s+/g, ' ').trim(), style, box, into)
        ;[line, box] = ['', null]
      }
      if (!box && letter.width > 0 && node.data[index].trim()) box = letter
      line += node.data[index].replace(/\s/, ' ')
    }
    if (box) this.#line(line.replace(/\s+/g, ' ').trim(), style, box, into)
  }

  #line(text: string, style: CSSStyleDeclaration, box: DOMRect, into: Element, indent = 0) {
    const size = parseFloat(style.fontSize)
    const { x, y, height } = this.#at(box)
    // A letter of a formula alone is written in italics.
    const italic = style.fontStyle === 'italic' || style.getPropertyValue('text-transform') === 'math-auto'
    const attributes = {
      x: x + indent, y: y + height / 2 + size * 0.35, 'font-size': size, 'font-family': style.fontFamily, 'font-weight': style.fontWeight,
      ...(italic && /^\p{Letter}$/u.test(text) ? { 'font-style': 'italic' } : {}), ...fill(style.color), 'xml:space': 'preserve',
    }
    // XML has no place for control characters.
    make('text', attributes, into).textContent = text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '')
  }

  /** A drawing of the page: what it takes from the style sheet is written into it. */
  #drawing(drawing: SVGSVGElement, box: DOMRect, into: Element) {
    const copy = drawing.cloneNode(true) as SVGSVGElement
    const [originals, copies] = [[...drawing.querySelectorAll('*')], [...copy.querySelectorAll('*')]]
    originals.forEach((original, index) => {
      const [style, own] = [getComputedStyle(original), copies[index]]
      const isNothing = isHidden(style) || original.localName === 'title' || (original.localName === 'line' && plain(style.stroke).opacity === 0)
      if (isNothing) return own.remove()
      for (const name of own.getAttributeNames()) if (/^(class|style|role|tabindex|aria-|data-)/.test(name)) own.removeAttribute(name)
      for (const name of DRAWN) own.setAttribute(name, style.getPropertyValue(name))
      for (const name of ['fill', 'stroke'] as const) {
        const colour = style[name]
        own.setAttribute(name, colour === 'none' ? 'none' : plain(colour).rgb)
      }
    })
    for (const name of copy.getAttributeNames()) if (!/^(viewBox)$/.test(name)) copy.removeAttribute(name)
    for (const [key, value] of Object.entries(this.#at(box))) copy.setAttribute(key, String(value))
    into.append(copy)
  }
}
