// Builds the WebAssembly module into dist/module.js, where it stands as gzip in base64: npm run module.
// The same sources give the same bytes on every machine: one toolchain, no path of the machine, one compressor.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'fflate'

const TOOLCHAIN = '1.95.0'
const TARGET = 'wasm32-unknown-unknown'
/** What the script ends with where it cannot build. */
const NO_TOOLCHAIN = 3

const web = resolve(import.meta.dirname, '..')
const root = resolve(web, '../../..')
const target = join(root, 'target/module')
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')

/** The output of a command, or null where it fails or is not there. */
function output(...words) {
  try {
    return execFileSync(words[0], words.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}

/** What comes before "cargo" and "rustc". */
const through = output('rustup', '--version') === null ? [] : ['rustup', 'run', TOOLCHAIN]
const isThere = () => {
  const isVersion = output(...through, 'rustc', '--version')?.startsWith(`rustc ${TOOLCHAIN} `)
  const folder = output(...through, 'rustc', '--print', 'target-libdir', '--target', TARGET)
  return isVersion && folder !== null && existsSync(folder)
}
if (!isThere()) output('rustup', 'toolchain', 'install', TOOLCHAIN, '--profile', 'minimal', '--target', TARGET)
if (!isThere()) {
  console.error(`The module is built with Rust ${TOOLCHAIN} and its target ${TARGET}, which cannot be had here; install rustup, or that version.`)
  process.exit(NO_TOOLCHAIN)
}
const cargo = (...words) => {
  const [command, ...more] = [...through, 'cargo', ...words]
  execFileSync(command, more, { cwd: root, stdio: 'inherit', env: { ...process.env, RUSTFLAGS: flags().join(' '), CARGO_TARGET_DIR: target } })
}

/** In the module stand no paths of this machine: sources are named from the workspace, and those of others from "crates". */
function flags() {
  const registry = join(cargoHome, 'registry/src')
  const others = existsSync(registry) ? readdirSync(registry).map((name) => join(registry, name)) : []
  const pairs = [[root, ''], ...others.map((folder) => [folder, 'crates']), [target, 'target']]
  return pairs.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)
}

// What is fetched decides what is mapped.
cargo('fetch', '--locked', '--target', TARGET)
cargo('build', '--locked', '--package', 'chainrule-explorer-wasm', '--profile', 'module', '--target', TARGET)
const module = readFileSync(join(target, TARGET, 'module/chainrule_explorer_wasm.wasm'))
const packed = gzipSync(module, { level: 9, mtime: 0 })
const text = Buffer.from(packed).toString('base64')
writeFileSync(join(web, 'dist/module.js'), `window.chainruleModule = '${text}'\nwindow.dispatchEvent(new Event('chainrule-module'))\n`)
console.log(`module: ${module.length.toLocaleString('en')} bytes, ${packed.length.toLocaleString('en')} compressed`)
