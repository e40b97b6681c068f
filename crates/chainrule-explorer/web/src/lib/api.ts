// The questions of the page, typed: whoever answers them, errors carry its words.
import { Gone, type Answers } from '../answers/answers'
import type {
  AskedAnimation, AskedFilm, AskedFrame, AtEdge, AtInput, AtLayer, AtNeuron, AtOuter, AtQuiz, AtSabotage, Catalog, CellCheck, Cell,
  CheckReport, Edit, EditReply, EdgeReport, Explanation, Film, InputReport, LayerReport, LossReport, MatrixReport, Named,
  NeuronReport, NewDocument, Num, OuterReport, OpenedTrace, Pair, Product, Quiz, QuizAnswer, QuizVerdict, SabotageReport,
  SharedDocument, TraceFile, View,
} from './contract'

/** The question was refused, in words for people. */
export class Refused extends Error {}

export { Gone }

let answers: Answers

/** Who answers from here on. */
export function connect(to: Answers) {
  answers = to
}

/** What a link begins with, and what to do with it. */
export const links = {
  get home() { return answers.home },
  get advice() { return answers.advice },
}

const text = (bytes: ArrayBuffer) => new TextDecoder().decode(bytes)

function refusal(status: number, bytes: ArrayBuffer): Refused {
  try {
    return new Refused(JSON.parse(text(bytes)).error)
  } catch {
    return new Refused(`There was no answer, but the status ${status}.`)
  }
}

async function askWith(address: string, body: string | null, signal?: AbortSignal): Promise<ArrayBuffer> {
  const { status, bytes } = await answers.ask(address, body, signal)
  if (status !== 200) throw refusal(status, bytes)
  return bytes
}

const ask = (address: string, body: unknown = null, signal?: AbortSignal) => askWith(address, body === null ? null : JSON.stringify(body), signal)

const get = async <T>(address: string, signal?: AbortSignal): Promise<T> => JSON.parse(text(await ask(address, null, signal)))

const post = async <T>(address: string, body: unknown, signal?: AbortSignal): Promise<T> => JSON.parse(text(await ask(address, body, signal)))

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
  values: async (revision: number, name: string) => new Float64Array(await ask(`${at(revision)}/values/${name}`)),
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
  quiz: (revision: number, { seed, count, phase, concepts }: AtQuiz) =>
    get<Quiz>(`${at(revision)}/quiz${query({ seed, count, phase, concepts } satisfies AtQuiz)}`),
  answerQuiz: (revision: number, answer: QuizAnswer) => post<QuizVerdict>(`${at(revision)}/quiz/answer`, answer),
  sabotage: (revision: number, { mistake, iterations }: AtSabotage, signal?: AbortSignal) =>
    get<SabotageReport>(`${at(revision)}/sabotage${query({ mistake, iterations } satisfies AtSabotage)}`, signal),
  film: (revision: number, { kind, sample }: AskedFilm) => get<Film>(`${at(revision)}/film${query({ kind, sample })}`),
  frame: async (revision: number, asked: AskedFrame) => text(await ask(`${at(revision)}/film/frame${query({ ...asked })}`)),
  animated: async (revision: number, asked: AskedAnimation) => text(await ask(`${at(revision)}/film/animated${query({ ...asked })}`)),
  pytorch: async (revision: number) => text(await ask(`${at(revision)}/pytorch`)),
  /** A file's text as it came, since JavaScript writes -0 as 0. */
  trace: async (revision: number) => text(await ask(`${at(revision)}/trace`)),
  openTrace: async (file: string): Promise<OpenedTrace> => JSON.parse(text(await askWith('traces', file))),
  multiply: (a: Num[][], b: Num[][]) => post<Product>('multiply', { a, b } satisfies Pair),
}
