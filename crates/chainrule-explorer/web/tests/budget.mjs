// The page's sizes, compressed: the first load beside the module at most 130 kB, the whole file at most 700 kB.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url)
const compressed = (text) => gzipSync(text, { level: 9 }).length
const sizes = Object.fromEntries(readdirSync(dist).map((name) => [name, compressed(readFileSync(new URL(name, dist)))]))
for (const [name, size] of Object.entries(sizes)) console.log(`${name}: ${size.toLocaleString('en')} bytes compressed`)

/** As the program puts the file together, without a document. */
const text = (name) => readFileSync(new URL(name, dist), 'utf8')
const file = text('lesson.html').replace(/\{\{(.+?)\}\}/g, (_, name) => (name === 'module' ? text('module.js').split("'")[1] : name === 'start' ? '{"example":"3-4-2"}' : existsSync(new URL(name, dist)) ? text(name) : ""))
const budgets = [
  ['the first load beside the module', ['index.html', 'explorer.js', 'explorer.css', 'answers.js', 'icon.svg'].reduce((sum, name) => sum + sizes[name], 0), 130_000],
  ['the exported file', compressed(file), 700_000],
]
for (const [what, size, most] of budgets) {
  console.log(`${what}: ${(size / 1000).toFixed(1)} kB compressed, at most ${most / 1000} are wanted`)
  if (size > most) process.exitCode = 1
}
