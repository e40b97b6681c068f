// Memory and time of the program under the heaviest requests: node tests/load.mjs on Linux, with CHAINRULE set.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const child = spawn(process.env.CHAINRULE, ['explore', '--port', '0', '--no-open', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
process.on('exit', () => child.kill())
const address = await new Promise((resolve) => {
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
    const found = text.match(/http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//)
    if (found) resolve(found[0])
  })
})

const headers = { 'Content-Type': 'application/json', Origin: new URL(address).origin }
const ask = async (path, body) => {
  const response = await fetch(`${address}api/${path}`, body && { method: 'POST', headers, body: JSON.stringify(body) })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${path}: ${answer.error}`)
  return answer
}
const edit = (revision, body) => ask(`revisions/${revision}/edits`, body)
const timed = async (work) => {
  const began = performance.now()
  const answer = await work()
  return { answer, seconds: (performance.now() - began) / 1000 }
}
const layers = (widths) => ({
  kind: 'layers',
  layers: widths.map((width, i) => ({ width, activation: i + 1 < widths.length ? 'tanh' : 'softmax', bias: true })),
})
const memory = (name) => Math.round(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+)`))[1] / 1024)
const memories = () => `at most ${memory('VmHWM')} MiB, now ${memory('VmRSS')} MiB`

console.log(`processor: ${readFileSync('/proc/cpuinfo', 'utf8').match(/model name\s*: (.*)/)[1]}`)
console.log(`started: ${memories()}`)
const deep = (await edit(1, layers(Array(64).fill(250)))).view.revision
console.log(`64 layers of 250 neurons: ${memories()}`)
let isBusy = true
const waits = []
const questions = (async () => {
  while (isBusy) {
    waits.push((await timed(() => ask(`revisions/${deep}/explain?name=z.1&row=0&column=2`))).seconds)
    await setTimeout(200)
  }
})()
const all = await timed(() =>
  Promise.all(
    Array.from({ length: 8 }, async () => {
      const { answer, seconds } = await timed(() => edit(deep, { kind: 'iterate', count: 100 }))
      console.log(`  ${answer.made.length} iterations, answered after ${seconds.toFixed(1)} s: ${answer.view.label}`)
    }),
  ),
)
isBusy = false
await questions
console.log(`eight times 100 iterations side by side, ${all.seconds.toFixed(1)} s: ${memories()}`)
console.log(`a question meanwhile: at most ${Math.max(...waits).toFixed(2)} s`)
await setTimeout(1000)
console.log(`a second later: ${memories()}`)

const digits = (await ask('documents', { example: 'digits' })).revision
const wide = (await edit(digits, layers([1900, 1900, 10]))).view.revision
const { answer, seconds } = await timed(() => edit(wide, { kind: 'batch', first: 0, count: 256 }))
const full = answer.view.revision
console.log(`64-1900-1900-10 on 256 samples: ${seconds.toFixed(1)} s`)
for (const [what, work] of [
  ['an iteration', () => edit(full, { kind: 'iterate', count: 1 })],
  ['20 iterations', () => edit(full, { kind: 'iterate', count: 20 })],
  ['one cell checked', () => ask(`revisions/${full}/check/cell`, { name: 'weight.2', row: 3, column: 4 })],
  ['all cells checked', () => ask(`revisions/${full}/check/all`, {})],
  ['orthogonal weights', async () => {
    const square = (await edit(1, layers([1000, 1000, 1000, 1000, 2]))).view.revision
    return edit(square, { kind: 'initialize', rule: 'orthogonal', seed: 1 })
  }],
]) {
  const said = await timed(work).then(({ seconds }) => `${seconds.toFixed(1)} s`, (error) => error.message)
  console.log(`${what}: ${said}`)
}
console.log(`in all: ${memories()}`)
process.exit()
