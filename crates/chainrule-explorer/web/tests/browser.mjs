// Starts what the tests look at and a real Chromium; fails with words where one of them is missing. FACE says what: the page of a
// running program (server), or the page that it exports as one file (file).
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { chromium } from 'playwright-core'

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
)

export const face = process.env.FACE ?? 'server'

/** The page by its address, until it is stopped, and a program that answers the test; `more` names a model and its data. */
export async function start(...more) {
  const program = await served(...more)
  if (face === 'server') return program
  const file = await exported(...more)
  return { address: file.address, api: program.api, stop: () => Promise.all([program.stop(), file.stop()]) }
}

/** The page as one file; { address, path, stop }. */
export async function exported(...more) {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-page-'))
  const path = join(folder, 'lesson.html')
  execFileSync(process.env.CHAINRULE, ['explore', ...more, '--export', path, '--json'], { stdio: ['ignore', 'ignore', 'inherit'] })
  return { address: pathToFileURL(path).href, path, stop: async () => rmSync(folder, { recursive: true }) }
}

/** Runs `chainrule explore` on a free port; { address, api, stop }. */
export async function served(...more) {
  const child = spawn(process.env.CHAINRULE, ['explore', ...more, '--port', '0', '--no-open', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  const address = await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      text += data
      const found = text.match(/http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//)
      if (found) resolve(found[0])
    })
    child.on('exit', (code) => reject(new Error(`chainrule explore ended with ${code}: ${text}`)))
  })
  const api = async (path, body) => {
    const init = body && { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: new URL(address).origin }, body: JSON.stringify(body) }
    const response = await fetch(`${address}api/${path}`, init)
    const answer = await response.json()
    if (!response.ok) throw new Error(`${path}: ${answer.error}`)
    return answer
  }
  return { address, api, stop: () => new Promise((resolve) => (child.exitCode !== null ? resolve() : (child.once('exit', resolve), child.kill('SIGINT')))) }
}

/** A browser, and what went wrong on its pages. */
export async function launch() {
  if (!executablePath) {
    throw new Error('The tests of the page need Chromium: "apt-get install chromium", or set CHROMIUM to the path of a Chromium or Chrome.')
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/** A page that records console errors, and requests that leave the loopback, or, of a file, any request. */
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  const faults = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => {
    const url = new URL(request.url())
    const own = address.startsWith('file:') ? url.href.split('#')[0] === address.split('#')[0] : ['127.0.0.1', 'localhost'].includes(url.hostname)
    if (!own && url.protocol !== 'data:' && url.protocol !== 'blob:') faults.push(`request to ${url}`)
  })
  await page.goto(address)
  await page.locator('main').waitFor()
  return { page, context, faults }
}

/** Chooses an example in the header; the page shows it before its first step. */
export async function choose(page, example) {
  const select = page.getByLabel('Example')
  await select.selectOption(example)
  const title = await select.locator(`option[value="${example}"]`).textContent()
  await page.locator('.stage .start h2', { hasText: title }).waitFor()
}

/** The hash of a share link, as the page would make it. */
export const hashOf = (document, more = {}) =>
  '#v1.' + deflateRawSync(JSON.stringify({ document, position: 0, order: 'lesson', sample: null, selection: null, cell: null, ...more })).toString('base64url')

/** A document made by edits of an example; its view too. */
export async function documentOf(server, example, edits) {
  let view = await server.api('documents', { example })
  for (const edit of edits) view = (await server.api(`revisions/${view.revision}/edits`, edit)).view
  return { view, document: await server.api(`revisions/${view.revision}/document`) }
}

/** The numbers that the oracle starts from, read off a view. */
export function given(view) {
  const matrix = (name) => {
    const { shape, values } = view.values.find((value) => value.name === name)
    const columns = shape.at(-1)
    return Array.from({ length: values.length / columns }, (_, row) => values.slice(row * columns, (row + 1) * columns).map(Number))
  }
  return {
    weights: view.layers.map((layer) => matrix(`weight.${layer.number}`)),
    biases: view.layers.map((layer) => matrix(`bias.${layer.number}`)[0]),
    activations: view.layers.map((layer) => layer.activation_name.replaceAll(' ', '_')),
    loss: view.loss_name.replaceAll(/[ -]/g, '_'), inputs: matrix('a.0'), targets: matrix('target'), rate: view.learning_rate,
  }
}
