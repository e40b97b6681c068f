// The module that the page carries answers, in a worker. Work that nobody waits for any more ends with its worker: another
// one does again what was done, which gives the same revisions with the same bits.
import { aborted, type Answers, type Reply } from './answers'
import type { Answered, Asked } from './protocol'
import { startWorker } from './workers'

/** Work that is given up may go on for so long, in milliseconds: to begin again takes longer. */
const PATIENCE = 300

/** Where a file is on this machine is of no use elsewhere. */
const onSite = location.protocol.startsWith('http')

interface Waiting extends Asked {
  resolve(reply: Reply): void
  reject(error: unknown): void
}

declare global {
  interface Window {
    /** Set by the script with the module beside a page of the site. */
    chainruleModule?: string
  }
}

/** The module's text: in the page itself, or in a script beside it that comes when it comes. */
async function moduleText(): Promise<string> {
  const text = document.getElementById('module')?.textContent
  if (text) return text
  if (!window.chainruleModule) await new Promise((resolve) => window.addEventListener('chainrule-module', resolve, { once: true }))
  return window.chainruleModule!
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

  constructor() {
    this.#worker = this.#start()
  }

  ask(address: string, body: string | null, signal?: AbortSignal): Promise<Reply> {
    if (signal?.aborted) return Promise.reject(aborted())
    return new Promise((resolve, reject) => {
      const asked = { id: this.#next++, address, body, resolve, reject }
      if (this.#waiting.length === 0) this.#since = performance.now()
      this.#waiting.push(asked)
      this.#send(asked)
      signal?.addEventListener('abort', () => this.#giveUp(asked))
    })
  }

  async #start(): Promise<Worker> {
    const module = await moduleText()
    const worker = startWorker('answers')
    worker.onmessage = ({ data }) => this.#answered(data)
    worker.postMessage({ module, document: document.getElementById('start')?.textContent?.trim() ?? '' })
    return worker
  }

  #send({ id, address, body }: Asked) {
    const worker = this.#worker
    worker.then((worker) => worker.postMessage({ id, address, body }))
  }

  #answered({ id, status, bytes, failed }: Answered) {
    const asked = this.#waiting.find((waiting) => waiting.id === id)
    this.#waiting = this.#waiting.filter((waiting) => waiting.id !== id)
    this.#since = performance.now()
    if (failed) this.#restart()
    if (!asked) return
    if (status === 200 && /^documents$|\/edits$/.test(asked.address)) this.#made.push({ id: 0, address: asked.address, body: asked.body })
    asked.resolve({ status, bytes })
  }

  #giveUp(asked: Waiting) {
    const place = this.#waiting.indexOf(asked)
    if (place < 0) return
    asked.reject(aborted())
    if (place > 0 || performance.now() - this.#since < PATIENCE) return
    this.#waiting.shift()
    this.#restart()
  }

  #restart() {
    this.#worker.then((worker) => worker.terminate())
    this.#worker = this.#start()
    for (const asked of [...this.#made, ...this.#waiting]) this.#send(asked)
    this.#since = performance.now()
  }
}
