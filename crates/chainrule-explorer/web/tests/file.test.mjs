// What only the exported file and the site do: they live without a program and without a network, wherever they are opened.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { homedir, hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { exported, launch, open } from './browser.mjs'
import { allNumbers } from './numbers.mjs'
import { modelOfOtherKinds } from './other-kinds.mjs'

const SITE = new URL('../site/', import.meta.url)
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }

let file, browser
before(async () => {
  file = await exported()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await file?.stop()
})

/** Takes a step and an iteration in a page or a frame of it, and reads the loss. */
async function uses(frame, keyboard) {
  await frame.locator('.stage .start').waitFor()
  await frame.locator('body').click({ position: { x: 5, y: 5 } })
  await keyboard.press('ArrowRight')
  await frame.getByText('Step 1 of 12:').first().waitFor()
  await keyboard.press('n')
  await frame.getByText('iteration 1').first().waitFor()
}

test('the file is small, says what it may do, and tells nothing of the machine', () => {
  const text = readFileSync(file.path, 'utf8')
  assert.ok(gzipSync(text, { level: 9 }).length <= 700_000, `${gzipSync(text, { level: 9 }).length} bytes compressed`)
  const policy = text.match(/http-equiv="Content-Security-Policy" content="([^"]+)"/)[1]
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/=]+' 'sha256-[\w+/=]+' 'wasm-unsafe-eval'; style-src 'sha256-[\w+/=]+'; worker-src blob:; img-src data: blob:; media-src data: blob:;/)
  const own = [hostname(), homedir(), tmpdir(), process.cwd(), userInfo().homedir].filter((name) => name.length > 4)
  for (const name of own) assert.ok(!text.includes(name), `${name} is in the file`)
  // A token is 32 hexadecimal digits; "localhost" stands in a message of the encoder.
  assert.ok(!/127\.0\.0\.1|\b[0-9a-f]{32}\b/.test(text), 'an address or a token is in the file')
})

test('it lives as a file without a network, in an iframe with srcdoc, and in one with a sandbox', async () => {
  const { page, context, faults } = await open(browser, file.address, { offline: true })
  await uses(page, page.keyboard)
  assert.deepEqual(faults, [])
  await context.close()

  const folder = mkdtempSync(join(tmpdir(), 'chainrule-notebook-'))
  const path = join(folder, 'notebook.html')
  const html = readFileSync(file.path, 'utf8').replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  for (const attributes of ['', 'sandbox="allow-scripts"']) {
    writeFileSync(path, `<!doctype html><meta charset="utf-8"><title>A notebook</title><iframe width="1200" height="760" ${attributes} srcdoc="${html}"></iframe>`)
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, offline: true })
    const page = await context.newPage()
    const faults = []
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    await page.goto(pathToFileURL(path).href)
    await uses(page.frameLocator('iframe'), page.keyboard)
    assert.deepEqual(faults, [], attributes)
    await context.close()
  }
  rmSync(folder, { recursive: true })
})

test('with a model it carries the model and its rows, and not where they were', async () => {
  const { model, table, remove } = modelOfOtherKinds()
  const own = await exported(model, table, '--rows', '0..4')
  const { page, context, faults } = await open(browser, own.address)
  await page.locator('.network', { hasText: /sample 1 of 4/ }).waitFor()
  assert.deepEqual(faults, [])
  const text = readFileSync(own.path, 'utf8')
  for (const path of [model, table]) assert.ok(!text.includes(path), path)
  await context.close()
  await own.stop()
  remove()
})

/** Begins work of many seconds: the check of a wide layer of digits. */
async function beginLongCheck(page) {
  await page.getByRole('button', { name: 'Network…' }).click()
  await page.getByLabel('Neurons of layer 1').fill('500')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => !document.querySelector('.stale'))
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: 'Check' }).click()
  await page.getByRole('button', { name: 'Check all' }).click()
}

test('what is given up does not hold up what comes after it', async () => {
  const { page, context, faults } = await open(browser, file.address)
  await page.getByLabel('Example').selectOption('digits')
  await page.locator('.stage .start').waitFor()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.keyboard.press('End')
  const before = await page.locator('.history .where .number').textContent()
  await beginLongCheck(page)
  await page.waitForTimeout(1000)
  const began = performance.now()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('Control+z')
  await page.getByText('64→16').or(page.getByText('iteration 1')).first().waitFor()
  await page.waitForFunction(() => !document.querySelector('.stale'))
  assert.ok(performance.now() - began < 5000, 'the edit waited for the check')
  assert.equal(await page.locator('.history .where .number').textContent(), before, 'the revisions are the same again')
  assert.deepEqual(faults, [])
  await context.close()
})

test('what is given up at once is given up too, and a trace that was opened before it stays', async () => {
  const { page, context, faults } = await open(browser, file.address)
  await page.locator('.stage .start').waitFor()
  await page.getByRole('button', { name: 'Take away' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the trace' }).click()])
  await page.locator('input[type="file"]').setInputFiles(await download.path())
  await page.getByText('bit for bit.').last().waitFor()
  await page.keyboard.press('Escape')
  await page.getByLabel('Example').selectOption('digits')
  await page.getByText('Handwritten digits').last().waitFor()
  await beginLongCheck(page)
  await page.waitForTimeout(80)
  const began = performance.now()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.waitForFunction(() => !document.querySelector('.stale'))
  assert.ok(performance.now() - began < 5000, 'the iteration waited for the check')
  assert.equal(await page.locator('.banner').count(), 0, 'every revision is there')
  assert.deepEqual(faults, [])
  await context.close()
})

test('where nothing can answer the page says so', async () => {
  for (const [script, words] of [
    ['window.Worker = function () { throw new Error("no workers here") }', 'no workers here'],
    ['const { Worker: Own } = window; window.Worker = function (url) { return new Own(URL.createObjectURL(new Blob(["throw new Error(1)"]))) }', 'does not start here'],
  ]) {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.addInitScript(script)
    await page.goto(file.address)
    await page.getByText(words).first().waitFor()
    await context.close()
  }
})

test('the site: an index, a page for each example, links to a step and a number, on a host and as files', async () => {
  const host = createServer((request, response) => {
    const name = new URL(request.url, 'http://host').pathname.slice(1) || 'index.html'
    const path = new URL(name, SITE)
    if (!existsSync(path)) return response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': TYPES[name.split('.').pop()] }).end(readFileSync(path))
  })
  await new Promise((resolve) => host.listen(0, '127.0.0.1', resolve))
  const numbers = []
  for (const site of [`http://127.0.0.1:${host.address().port}/`, SITE.href]) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const page = await context.newPage()
    const faults = []
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()))
    page.on('request', (request) => !request.url().startsWith(site) && !/^(blob|data):/.test(request.url()) && faults.push(request.url()))
    await page.goto(`${site}index.html`)
    assert.equal(await page.locator('.cards a').count(), 7)
    await page.getByRole('link', { name: "Matt Mazur's 2-2-2" }).click()
    await page.locator('.stage .start').waitFor()
    assert.match(page.url(), /mazur\.html/)
    await page.locator('body').click({ position: { x: 5, y: 5 } })
    numbers.push([...(await allNumbers(page, 12))])
    assert.deepEqual(faults, [], site)
    await context.close()
  }
  assert.deepEqual(numbers[0], numbers[1])
  host.close()
})

test('an export does not write over its own data, and says what is too large', () => {
  const { model, table, remove } = modelOfOtherKinds()
  const run = (...words) => {
    try {
      execFileSync(process.env.CHAINRULE, ['explore', ...words], { stdio: 'pipe' })
      return ''
    } catch (error) {
      return String(error.stderr)
    }
  }
  assert.match(run(model, table, '--export', table), /would be written over/)
  assert.match(run('--export', join(tmpdir(), 'no-such-folder', 'lesson.html')), /no-such-folder/)
  remove()
})
