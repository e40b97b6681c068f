// What is on the screen stands in the address, so that reload, Back and Forward lose nothing. An example that nobody has
// edited is named, "#example=digits&step=8&select=delta.1[0,2]", which is also how other pages point into the lesson; all
// else is a share link.
import { untrack } from 'svelte'
import { keyOf } from './cell'
import type { Cell } from './contract'
import { explorer } from './explorer.svelte'
import { hashOf, isSmall, keepDocument, openHash } from './link'
import type { Look } from './look'

/** Letters of a hash that an address is given. */
const LONGEST = 100_000
/** Milliseconds without a change after which the address follows. */
const PAUSE = 300

/** The short form: what is not as at the start. */
function nameOf(example: string | null): string {
  const { position, order, sample, selection, cell, tab, quiz } = explorer.look()
  const fields: Record<string, string | number | null> = {
    example, step: position || null, order: order === 'lesson' ? null : order, sample, tab: tab === 'lesson' ? null : tab, quiz,
    select: cell && (selection || cell.column > 0 || cell.row > explorer.sample) ? keyOf(cell) : null,
    // What the selected cell belongs to goes without saying, and so does the cell that a step chooses.
    inspect: selection && JSON.stringify(selection) !== JSON.stringify(cell && explorer.selectionOf(cell)) ? JSON.stringify(selection) : null,
  }
  const given = Object.entries(fields).flatMap(([key, value]) => (value === null ? [] : [`${key}=${encodeURIComponent(value).replaceAll('%5B', '[').replaceAll('%2C', ',').replaceAll('%5D', ']')}`]))
  return given.length > 0 ? `#${given.join('&')}` : ''
}

const isName = (hash: string) => /^#(example|step|order|sample|tab|quiz|select|inspect)=/.test(hash)

/** Opens the example of the short form at its step, or what the program was started with if it names none. */
async function openName(hash: string): Promise<boolean> {
  const fields = new URLSearchParams(hash.slice(1))
  const number = (key: string) => (fields.has(key) ? Number(fields.get(key)) : undefined)
  const example = fields.get('example')
  if (!(await (example ? explorer.open({ example }) : explorer.openStart()))) return false
  const [, name, row, column] = /^([\w.]+)\[(\d+),\s*(\d+)\]$/.exec(fields.get('select') ?? '') ?? []
  const cell: Cell | null = name ? { name, row: Number(row), column: Number(column) } : null
  const look = { position: number('step'), order: fields.get('order'), sample: number('sample'), cell, tab: fields.get('tab') ?? (fields.has('quiz') ? 'quiz' : null), quiz: number('quiz') }
  explorer.lookAs({ ...look, selection: cell && explorer.selectionOf(cell) } as Partial<Look>)
  try {
    explorer.lookAs({ selection: JSON.parse(fields.get('inspect') ?? 'null') })
  } catch {
    // A selection that cannot be read is none.
  }
  return true
}

const open = (hash: string) => (isName(hash) ? openName(hash) : openHash(hash))

/** Numbers of documents mean something within one life of the page. */
interface Entry {
  page: number
  document: number
}

class Address {
  #missing = $state(false)
  /** There are edits, and no address holds what is on the screen: a reload would lose them. */
  unsaved = $derived(explorer.place > 0 && this.#missing)
  /** The document whose entry in the browser's history is the current one. */
  #entry: number | null = null
  #written: string | null = null
  #visiting = false

  /** For as long as the page lives. */
  follow() {
    untrack(() => void explorer.start(location.hash ? () => open(location.hash) : undefined).then(() => this.#tellReload()))
    const visit = (event: PopStateEvent) => void this.#visit(event.state)
    const leave = (event: BeforeUnloadEvent) => this.unsaved && event.preventDefault()
    window.addEventListener('popstate', visit)
    window.addEventListener('beforeunload', leave)
    $effect(() => {
      if (!explorer.view) return
      void explorer.look()
      // Another document gets its entry at once.
      const timer = setTimeout(() => void this.#write(), explorer.document === this.#entry ? PAUSE : 0)
      return () => clearTimeout(timer)
    })
    $effect(() => {
      const revision = explorer.view?.revision
      // Each for itself: that of one revision is not given up when the next one follows at once.
      if (revision !== undefined && untrack(isSmall)) setTimeout(() => void keepDocument(revision), 100)
    })
    return () => {
      window.removeEventListener('popstate', visit)
      window.removeEventListener('beforeunload', leave)
    }
  }

  /** A reload keeps what is on the screen, and not how it came about: that is said. */
  #tellReload() {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
    if (navigation?.type !== 'reload' || explorer.origin !== 'link') return
    explorer.message = 'The page was loaded again: numbers, step and selection are as they were, and the history of edits begins here. Reset leads back to the first weights.'
  }

  /** The hash of what is on the screen; null if there is none, or none that fits. */
  async #hash(): Promise<string | null> {
    const { origin, place, view } = explorer
    if (place === 0 && origin !== 'link') return nameOf(origin === 'start' ? null : origin.example)
    const document = isSmall() ? await keepDocument(view!.revision) : null
    const hash = document && (await hashOf(document))
    return hash !== null && hash.length <= LONGEST ? hash : null
  }

  async #write() {
    const [document, revision] = [explorer.document, explorer.view!.revision]
    const hash = await this.#hash()
    if (this.#visiting || document !== explorer.document || revision !== explorer.view!.revision) return
    this.#missing = hash === null
    const isNew = this.#entry !== null && this.#entry !== document
    if (this.#entry === document && (hash === null || hash === this.#written)) return
    // What does not fit leaves the address as it is.
    const url = hash === null ? undefined : hash || location.pathname + location.search
    const entry: Entry = { page: performance.timeOrigin, document }
    try {
      if (isNew) history.pushState(entry, '', url)
      else history.replaceState(entry, '', url)
    } catch {
      // A page inside of another one, or from a file, may not change its address: then nothing is kept there.
    }
    this.#entry = document
    this.#written = hash
  }

  /** Back, Forward, or another hash that was typed in. */
  async #visit(entry: Entry | null) {
    const document = entry?.page === performance.timeOrigin ? entry.document : null
    this.#visiting = true
    this.#entry = document
    this.#written = null
    // As it was left, or, after a reload, as the address says.
    if (document !== explorer.document && (document === null || !(await explorer.reopen(document)))) {
      this.#entry = null
      await (location.hash ? open(location.hash) : explorer.openStart())
    }
    this.#visiting = false
  }
}

export const address = new Address()
