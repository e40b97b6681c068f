// Builds the WebAssembly module into dist/module.js, where it stands as gzip in base64: npm run module.
// The same sources give the same bytes on every machine: one toolchain, no path of the machine, one compressor.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'fflate'

const TOOLCHAIN = '1.95.0'
const TARGET = 'wasm32-unknown-unknown'

const web = resolve(import.meta.dirname, '..')
const root = resolve(web, '../../..')
const target = join(root, 'target/module')
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')

const has = (command) => {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8' })
  } catch {
    return null
  }
}
const rustup = has('rustup') !== null
if (rustup) {
  execFileSync('rustup', ['toolchain', 'install', TOOLCHAIN, '--profile', 'minimal', '--target', TARGET], { stdio: 'ignore' })
} else if (!has('rustc')?.startsWith(`rustc ${TOOLCHAIN} `)) {
  throw new Error(`The module is built with Rust ${TOOLCHAIN} and its target ${TARGET}; install rustup, or that version.`)
}
const cargo = (...words) =>
  execFileSync(rustup ? 'rustup' : 'cargo', [...(rustup ? ['run', TOOLCHAIN, 'cargo'] : []), ...words], {
    cwd: root, stdio: 'inherit', env: { ...process.env, RUSTFLAGS: flags().join(' '), CARGO_TARGET_DIR: target },
  })

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
