// The module that the page carries answers, in a worker. Work that nobody waits for any more ends with its worker: another
// one does again what was done, which gives the same revisions with the same bits.
import { aborted, type Answers, type Reply } from './answers'
import type { EditReply } from '../lib/contract'
import type { Answered, Asked } from './protocol'
import { startWorker } from './workers'

/** Work that is given up may go on for so long, in milliseconds: to begin again takes longer. */
const PATIENCE = 300

/** Where a file is on this machine is of no use elsewhere. */
const onSite = location.protocol.startsWith('http')

/** What makes revisions. */
const MAKING = /^documents$|^traces$|\/edits$/

interface Waiting extends Asked {
  resolve(reply: Reply): void
  reject(error: unknown): void
  /** Nobody waits for it any more. */
  givenUp: boolean
}

declare global {
  interface Window {
    /** Set by the script with the module beside a page of the site. */
    chainruleModule?: string
  }
}

/** The module's text: in the page itself, or in a script beside it that comes while the page loads. */
async function moduleText(): Promise<string> {
  const text = document.getElementById('module')?.textContent
  if (text) return text
  if (!window.chainruleModule && document.readyState !== 'complete') {
    await new Promise((resolve) => ['chainrule-module', 'load'].forEach((event) => window.addEventListener(event, resolve, { once: true })))
  }
  if (!window.chainruleModule) throw new Error('the file module.js beside it did not come')
  return window.chainruleModule
}

/** What made the revisions of an edit, one for each: iterations that time has ended would be others another time. */
function repeated({ address, body }: Asked, bytes: ArrayBuffer): Asked[] {
  const edit = body && address.endsWith('/edits') ? JSON.parse(body) : null
  if (edit?.kind !== 'iterate') return [{ id: 0, address, body }]
  const { made } = JSON.parse(new TextDecoder().decode(bytes)) as EditReply
  const single = JSON.stringify({ kind: 'iterate', count: 1 })
  return made.map((_, index) => ({ id: 0, address: index === 0 ? address : `revisions/${made[index - 1].revision}/edits`, body: single }))
}

export class Module implements Answers {
  readonly home = onSite ? location.href.split('#')[0] : ''
  readonly advice = onSite ? 'Whoever opens it sees the same.' : 'Others open this file, or start chainrule explore, and paste it under Share.'

  #worker: Promise<Worker>
  #next = 1
  /** In the order in which they are answered. */
  #waiting: Waiting[] = []
  /** What has made revisions, in its order. */
  #made: Asked[] = []
  /** Since when the first of those that wait is worked on. */
  #since = 0
  /** Why there are no answers. */
  #failure: string | null = null

  constructor() {
    this.#worker = this.#start()
  }

  ask(address: string, body: string | null, signal?: AbortSignal): Promise<Reply> {
    if (signal?.aborted) return Promise.reject(aborted())
    return new Promise((resolve, reject) => {
      const asked: Waiting = { id: this.#next++, address, body, resolve, reject, givenUp: false }
      if (this.#failure !== null) return resolve(this.#refusal())
      if (this.#waiting.length === 0) this.#since = performance.now()
      this.#waiting.push(asked)
      this.#send(asked)
      signal?.addEventListener('abort', () => {
        if (!this.#waiting.includes(asked)) return
        asked.givenUp = true
        reject(aborted())
        this.#lookAtFirst()
      })
    })
  }

  #start(): Promise<Worker> {
    const started = moduleText().then((module) => {
      const worker = startWorker('answers')
      worker.onmessage = ({ data }) => this.#answered(data)
      worker.onerror = (event) => this.#fail(event.message)
      worker.postMessage({ module, document: document.getElementById('start')?.textContent?.trim() ?? '' })
      return worker
    })
    started.catch((error) => this.#fail(error instanceof Error ? error.message : String(error)))
    return started
  }

  #send({ id, address, body }: Asked) {
    this.#worker.then((worker) => worker.postMessage({ id, address, body }), () => {})
  }

  #refusal(): Reply {
    const error = `The page's own program does not start here: ${this.#failure}. It needs a browser with WebAssembly, and a place where pages may have workers.`
    return { status: 503, bytes: new TextEncoder().encode(JSON.stringify({ error })).buffer }
  }

  #fail(why: string) {
    this.#failure = why
    for (const asked of this.#waiting.splice(0)) asked.resolve(this.#refusal())
  }

  #answered({ id, status, bytes, failed }: Answered) {
    const asked = this.#waiting.find((waiting) => waiting.id === id)
    this.#waiting = this.#waiting.filter((waiting) => waiting.id !== id)
    this.#since = performance.now()
    if (asked && status === 200 && MAKING.test(asked.address)) this.#made.push(...repeated(asked, bytes))
    if (failed) this.#restart()
    else this.#lookAtFirst()
    asked?.resolve({ status, bytes })
  }

  /** Ends work on what nobody waits for any more, once it is worth it. */
  #lookAtFirst() {
    const [first] = this.#waiting
    if (!first?.givenUp) return
    const left = PATIENCE - (performance.now() - this.#since)
    if (left > 0) setTimeout(() => this.#waiting[0] === first && this.#lookAtFirst(), left)
    else {
      this.#waiting.shift()
      this.#restart()
    }
  }

  #restart() {
    this.#worker.then((worker) => worker.terminate(), () => {})
    this.#worker = this.#start()
    for (const asked of [...this.#made, ...this.#waiting]) this.#send(asked)
    this.#since = performance.now()
    this.#lookAtFirst()
  }
}
