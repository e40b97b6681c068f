// Asks the WebAssembly module: node run.mjs MODULE.js, with sessions as JSON on standard input. Writes where the module says it is from,
// and every reply: status and length, four bytes each, and its bytes.
import { readFileSync, writeSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const packed = readFileSync(process.argv[2], 'utf8').match(/'([^']+)'/)[1]
const module = new WebAssembly.Module(gunzipSync(Buffer.from(packed, 'base64')))
const sessions = JSON.parse(readFileSync(0, 'utf8'))

function put(status, bytes) {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(status, 0)
  head.writeUInt32LE(bytes.length, 4)
  for (const part of [head, bytes]) for (let sent = 0; sent < part.length; ) sent += writeSync(1, part, sent)
}

for (const { start, questions } of sessions) {
  const { memory, words, open, answer, reply, reply_length, sources } = new WebAssembly.Instance(module, { page: { now: () => performance.now() } }).exports
  const bytes = (at, length) => Buffer.from(memory.buffer.slice(at, at + length))
  const write = (text) => {
    // The memory may grow for them.
    const place = words(text.length)
    new Uint8Array(memory.buffer, place, text.length).set(text)
  }
  put(0, bytes(sources(), 35))
  write(Buffer.from(start))
  put(open(), bytes(reply(), reply_length()))
  for (const [address, body] of questions) {
    write(Buffer.from(address + (body ?? '')))
    const status = answer(Buffer.from(address).length, body !== null)
    put(status, bytes(reply(), reply_length()))
  }
}
