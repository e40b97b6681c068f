// Talks to the server, whose address is the page's own. Errors carry the server's words.
import type {
  AtEdge, AtInput, AtLayer, AtNeuron, AtOuter, Catalog, CellCheck, Cell, CheckReport, Edit, EditReply, EdgeReport,
  Explanation, InputReport, LayerReport, LossReport, MatrixReport, Named, NeuronReport, NewDocument, Num, OuterReport,
  Pair, Product, SharedDocument, View,
} from './contract'

/** The server said no, in words for people. */
export class Refused extends Error {}

/** There is no server any more. */
export class Gone extends Error {}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`./api/${path}`, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Gone('The program behind this page has ended.')
  }
  if (response.ok) return response
  const body = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }))
  throw new Refused(body.error)
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, { signal })).json()
}

async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { 'Content-Type': 'application/json' }
  return (await request(path, { method: 'POST', headers, body: JSON.stringify(body), signal })).json()
}

/** "?a=1&b=2" of what is not null. */
function query(fields: Record<string, string | number | null>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== null)
  return '?' + new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
}

const at = (revision: number) => `revisions/${revision}`

export const api = {
  alive: () => get<{ alive: true }>('alive'),
  catalog: () => get<Catalog>('catalog'),
  open: (document: NewDocument) => post<View>('documents', document),
  view: (revision: number) => get<View>(at(revision)),
  document: (revision: number) => get<SharedDocument>(`${at(revision)}/document`),
  edit: (revision: number, edit: Edit) => post<EditReply>(`${at(revision)}/edits`, edit),
  values: async (revision: number, name: string) => {
    const response = await request(`${at(revision)}/values/${name}`)
    return new Float64Array(await response.arrayBuffer())
  },
  explain: (revision: number, { name, row, column }: Cell) =>
    get<Explanation>(`${at(revision)}/explain${query({ name, row, column } satisfies Cell)}`),
  neuron: (revision: number, layer: number, neuron: number, sample: number) =>
    get<NeuronReport>(`${at(revision)}/neuron${query({ layer, neuron, sample } satisfies AtNeuron)}`),
  edge: (revision: number, layer: number, to: number, from: number, sample: number) =>
    get<EdgeReport>(`${at(revision)}/edge${query({ layer, to, from, sample } satisfies AtEdge)}`),
  matrix: (revision: number, name: string) => get<MatrixReport>(`${at(revision)}/matrix${query({ name } satisfies Named)}`),
  outer: (revision: number, layer: number, sample: number | null) =>
    get<OuterReport>(`${at(revision)}/outer${query({ layer, sample } satisfies AtOuter)}`),
  layer: (revision: number, layer: number) => get<LayerReport>(`${at(revision)}/layer${query({ layer } satisfies AtLayer)}`),
  loss: (revision: number) => get<LossReport>(`${at(revision)}/loss`),
  input: (revision: number, column: number, sample: number) =>
    get<InputReport>(`${at(revision)}/input${query({ column, sample } satisfies AtInput)}`),
  checkCell: (revision: number, cell: Cell, signal?: AbortSignal) =>
    post<CellCheck>(`${at(revision)}/check/cell`, cell, signal),
  checkAll: (revision: number, signal?: AbortSignal) =>
    post<CheckReport>(`${at(revision)}/check/all`, {}, signal),
  multiply: (a: Num[][], b: Num[][]) => post<Product>('multiply', { a, b } satisfies Pair),
}
