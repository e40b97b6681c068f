// Which rows and columns of a large grid its box shows: only those are in the page, so that a step stays fast.

type Range = [from: number, to: number]

/** Cells of a grid that are always all in the page. */
const FEW = 64

export const isLarge = (rows: number, columns: number) => rows * columns > FEW

export class Seen {
  /** Before the box is measured. */
  #rows = $state.raw<Range>([0, 8])
  #columns = $state.raw<Range>([0, 6])
  #shape: () => [rows: number, columns: number]
  #box: HTMLElement | null = null

  constructor(shape: () => [rows: number, columns: number]) {
    this.#shape = shape
  }

  get rows(): Range { return this.#inside(this.#rows, 0) }
  get columns(): Range { return this.#inside(this.#columns, 1) }

  #inside([from, to]: Range, side: 0 | 1): Range {
    const shape = this.#shape()
    return isLarge(...shape) ? [Math.min(from, shape[side]), Math.min(to, shape[side])] : [0, shape[side]]
  }

  /** For the box, which scrolls, around one element. */
  observe = (box: HTMLElement) => {
    this.#box = box
    const observer = new ResizeObserver(this.measure)
    observer.observe(box)
    observer.observe(box.firstElementChild!)
    return () => observer.disconnect()
  }

  measure = () => {
    const box = this.#box!
    const [rows, columns] = this.#shape()
    const range = (start: number, length: number, all: number, count: number): Range =>
      [Math.max(0, Math.floor((start / all) * count) - 1), Math.min(count, Math.ceil(((start + length) / all) * count) + 1)]
    const [down, across] = [range(box.scrollTop, box.clientHeight, box.scrollHeight, rows), range(box.scrollLeft, box.clientWidth, box.scrollWidth, columns)]
    if (String(down) !== String(this.#rows)) this.#rows = down
    if (String(across) !== String(this.#columns)) this.#columns = across
  }

  /** Scrolls the box alone, no further than needed. */
  reveal(row: number, column: number) {
    const box = this.#box
    if (!box) return
    const [rows, columns] = this.#shape()
    const scrolled = (start: number, length: number, all: number, index: number, count: number) =>
      Math.min((index / count) * all, Math.max(start, ((index + 1) / count) * all - length))
    box.scrollTo(scrolled(box.scrollLeft, box.clientWidth, box.scrollWidth, column, columns), scrolled(box.scrollTop, box.clientHeight, box.scrollHeight, row, rows))
    this.measure()
  }
}
