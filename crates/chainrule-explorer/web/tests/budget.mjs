// The page's size: script and style together, compressed, at most 120 kB.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url)
const sizes = readdirSync(dist).map((name) => [name, gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length])
const total = sizes.filter(([name]) => /\.(js|css)$/.test(name)).reduce((sum, [, size]) => sum + size, 0)
for (const [name, size] of sizes) console.log(`${name}: ${size.toLocaleString('en')} bytes compressed`)
console.log(`script and style: ${(total / 1000).toFixed(1)} kB compressed, at most 120 are wanted`)
if (total > 120_000) process.exit(1)
