// Share links: a document and the look at it in the address's hash, compressed; "v1" is the version of this form.
import { api } from './api'
import type { SharedDocument } from './contract'
import { explorer } from './explorer.svelte'
import type { Look } from './look'

const PREFIX = '#v1.'

interface Shared extends Look {
  document: SharedDocument
}

async function through(stream: CompressionStream | DecompressionStream, bytes: BlobPart): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer()
}

/** Documents of revisions that were on the screen, so that a link can be made of them when the program has ended. */
const kept = new Map<number, SharedDocument>()
const KEPT = 200
/** Numbers up to which documents are kept. */
const SMALL = 10_000

/** Whether the document on the screen is surely small enough for a link. */
export function isSmall(): boolean {
  const view = explorer.view!
  const parameters = view.layers.reduce((sum, layer) => sum + layer.parameters, 0)
  // The weights as they were drawn are in the document as well.
  return 2 * parameters + view.samples * (view.widths[0] + view.widths.at(-1)!) <= SMALL
}

/** The document of a revision, kept from then on; null if there is none to be had. */
export async function keepDocument(revision: number): Promise<SharedDocument | null> {
  const own = kept.get(revision)
  if (own) return own
  // Refused are weights that are not finite any more, and a program that has ended says so elsewhere.
  const document = await api.document(revision).catch(() => null)
  if (!document) return null
  kept.set(revision, document)
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!)
  return document
}

/** The hash of a document, looked at as the one on the screen is now. */
export async function hashOf(document: SharedDocument): Promise<string> {
  const shared: Shared = { document, ...explorer.look() }
  const packed = await through(new CompressionStream('deflate-raw'), new TextEncoder().encode(JSON.stringify(shared)))
  const letters = Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join('')
  return PREFIX + btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The hash for a link to what is on the screen; null if it is refused, for example because the network is too large. */
export async function makeHash(): Promise<string | null> {
  const { revision } = explorer.timeline[explorer.place]
  const document = kept.get(revision) ?? (await explorer.ask(() => api.document(revision)))
  return document && hashOf(document)
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
  explorer.lookAs(shared)
  return true
}
