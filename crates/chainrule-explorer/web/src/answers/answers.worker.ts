// Runs the WebAssembly module away from the page: words in, bytes out, one question after the other.
import type { Answered, Asked, Start } from './protocol'

interface Module {
  memory: WebAssembly.Memory
  words(length: number): number
  open(): number
  answer(address: number, hasBody: boolean): number
  reply(): number
  reply_length(): number
}

const page = self as unknown as {
  onmessage: (event: MessageEvent<Start | Asked>) => void
  postMessage(message: Answered, transfer: Transferable[]): void
}

async function start({ module, document }: Start): Promise<Module> {
  if (typeof WebAssembly === 'undefined' || typeof DecompressionStream === 'undefined') throw new Error('this browser has no WebAssembly, or cannot unpack it')
  const packed = Uint8Array.from(atob(module), (letter) => letter.charCodeAt(0))
  const unpacked = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')))
  const { instance } = await WebAssembly.instantiate(await unpacked.arrayBuffer(), { page: { now: () => performance.now() } })
  const started = instance.exports as unknown as Module
  write(started, new TextEncoder().encode(document))
  if (started.open() !== 200) throw new Error(JSON.parse(new TextDecoder().decode(read(started))).error)
  return started
}

const write = (module: Module, words: Uint8Array) => {
  const place = module.words(words.length)
  new Uint8Array(module.memory.buffer, place, words.length).set(words)
}

const read = (module: Module) => module.memory.buffer.slice(module.reply(), module.reply() + module.reply_length())

function answer(module: Module, { id, address, body }: Asked): Answered {
  const encoder = new TextEncoder()
  const [first, second] = [encoder.encode(address), encoder.encode(body ?? '')]
  const words = new Uint8Array(first.length + second.length)
  words.set(first)
  words.set(second, first.length)
  try {
    write(module, words)
    const status = module.answer(first.length, body !== null)
    return { id, status, bytes: read(module), failed: false }
  } catch {
    // A panic leaves its words in the reply.
    return { id, status: 500, bytes: read(module), failed: true }
  }
}

const failure = (id: number, error: unknown): Answered => {
  const reason = error instanceof Error ? error.message : String(error)
  const bytes = new TextEncoder().encode(JSON.stringify({ error: `The page's own program does not start here: ${reason}` })).buffer
  return { id, status: 500, bytes, failed: false }
}

let module: Promise<Module>
page.onmessage = async ({ data }) => {
  if ('module' in data) {
    module = start(data)
    module.catch(() => {})
    return
  }
  const reply = await module.then((module) => answer(module, data), (error) => failure(data.id, error))
  page.postMessage(reply, [reply.bytes])
}
