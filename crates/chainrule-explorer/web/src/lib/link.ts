// Share links: the document and the view of it in the address's hash, compressed; "v1" is the version of this form.
import { api } from './api'
import type { Cell, SharedDocument } from './contract'
import { explorer, TABS, type Selection, type Tab } from './explorer.svelte'

const PREFIX = '#v1.'

interface Shared {
  document: SharedDocument
  position: number
  order: 'lesson' | 'framework'
  sample: number | null
  selection: Selection | null
  cell: Cell | null
  tab: Tab
}

async function through(stream: CompressionStream | DecompressionStream, bytes: BlobPart): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer()
}

/** The document of the revision on the screen, kept so that a link can be made of it when the program has ended. */
let kept: { revision: number; document: SharedDocument } | null = null

/** Keeps the document on the screen, if it is surely small enough for a link. */
export async function keepDocument() {
  const view = explorer.view
  if (!view) return
  const parameters = view.layers.reduce((sum, layer) => sum + layer.parameters, 0)
  // The weights as they were drawn are in the document as well.
  if (2 * parameters + view.samples * (view.widths[0] + view.widths.at(-1)!) > 10_000) return
  const document = await explorer.ask(() => api.document(view.revision))
  if (document) kept = { revision: view.revision, document }
}

/** The hash of what is on the screen; null if the server refuses, for example because the network is too large. */
export async function makeHash(): Promise<string | null> {
  const { revision } = explorer.timeline[explorer.place]
  const document = kept?.revision === revision ? kept.document : await explorer.ask(() => api.document(revision))
  if (!document) return null
  const { position, order, chosenSample, selection, cell, tab } = explorer
  const shared: Shared = { document, position, order, sample: chosenSample, selection, cell, tab }
  const packed = await through(new CompressionStream('deflate-raw'), new TextEncoder().encode(JSON.stringify(shared)))
  const letters = Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join('')
  return PREFIX + btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Opens a link, or its hash alone; says what is wrong with it. */
export async function openHash(link: string): Promise<boolean> {
  const start = link.indexOf(PREFIX)
  if (start < 0) {
    explorer.message = /#v\d+\./.test(link)
      ? 'This link was made by another version of the explorer.'
      : 'This is not a link of the explorer: it has no "#v1." in it.'
    return false
  }
  let shared: Shared
  try {
    const text = link.slice(start + PREFIX.length).trim().replaceAll('-', '+').replaceAll('_', '/')
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    shared = JSON.parse(new TextDecoder().decode(await through(new DecompressionStream('deflate-raw'), packed)))
    if (typeof shared !== 'object' || shared === null) throw new TypeError('not an object')
  } catch {
    explorer.message = 'This link is damaged: a part of it is missing or changed.'
    return false
  }
  if (!(await explorer.open({ document: shared.document }))) return false
  if (shared.order === 'framework' || shared.order === 'lesson') explorer.order = shared.order
  const samples = explorer.view!.samples
  if (typeof shared.sample === 'number' && shared.sample >= 0 && shared.sample < samples) explorer.chosenSample = shared.sample
  if (Number.isInteger(shared.position)) explorer.goTo(shared.position)
  if (shared.cell && explorer.isCell(shared.cell)) explorer.cell = shared.cell
  if (shared.selection && explorer.isSelectable(shared.selection)) explorer.selection = shared.selection
  if (TABS.some(({ id }) => id === shared.tab)) explorer.tab = shared.tab
  return true
}
