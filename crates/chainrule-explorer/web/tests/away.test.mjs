// What is taken away: a trace that is verified when it comes back, a script, pictures, a sheet to print.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { open } from './browser.mjs'
import { numbersOnStage } from './numbers.mjs'
import { browser, server } from './running.mjs'

/** Opens the dialog after so many steps. */
async function opened(steps, options) {
  const { page, context, faults } = await open(browser, server.address, options)
  await page.locator('.stage .start').waitFor()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  for (let i = 0; i < steps; i += 1) await page.keyboard.press('ArrowRight')
  await page.getByRole('button', { name: 'Take away' }).click()
  return { page, context, faults }
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button, exact: true }).click()])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}

test('the trace is saved, opened again and verified; a number that was changed is found', async () => {
  const { page, context, faults } = await opened(0)
  const { name, bytes } = await saved(page, 'Save the trace')
  assert.equal(name, 'three-inputs-four-neurons-two-classes-0.json')
  const trace = JSON.parse(bytes)
  const input = page.locator('input[type="file"]')
  await input.setInputFiles({ name, mimeType: 'application/json', buffer: bytes })
  const numbers = trace.values.reduce((sum, { values }) => sum + values.length, 0)
  await page.getByText(`All ${numbers} numbers of the file are those that are computed here, bit for bit.`).waitFor()
  const delta = trace.values.find((value) => value.name === 'delta.1')
  delta.values[1] *= 1.0000001
  await input.setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(trace)) })
  await page.getByText(`1 of ${numbers} numbers is not the one that is computed here.`).waitFor()
  await page.getByText('delta.1[1, 2]:').waitFor()
  for (const [text, words] of [['{', 'trace.json: '], ['{}', 'trace.json: ']]) {
    await input.setInputFiles({ name: 'trace.json', mimeType: 'application/json', buffer: Buffer.from(text) })
    await page.locator('dialog [role="alert"]', { hasText: words }).waitFor()
  }
  // The browser itself tells of the refusal of the last one.
  assert.deepEqual(faults.filter((fault) => !fault.includes('400 (Bad Request)')), [])
  await context.close()
})

test('each example\'s trace comes back as it was, zeros below zero included', async () => {
  const { page, context } = await open(browser, server.address)
  for (const example of ['dead-relu', 'digits', 'deep-10']) {
    await page.getByLabel('Example').selectOption(example)
    await page.waitForFunction(() => !document.querySelector('.stale'))
    await page.waitForTimeout(300)
    await page.getByRole('button', { name: 'Take away' }).click()
    const { name, bytes } = await saved(page, 'Save the trace')
    await page.locator('input[type="file"]').setInputFiles({ name, mimeType: 'application/json', buffer: bytes })
    await page.locator('dialog .good', { hasText: 'bit for bit.' }).waitFor()
    await page.keyboard.press('Escape')
  }
  await context.close()
})

test('the script holds the numbers of the step', async () => {
  const { page, context } = await opened(0)
  const { name, bytes } = await saved(page, 'Save the script')
  assert.match(name, /\.py$/)
  const text = bytes.toString()
  for (const part of ['import torch', 'torch.tanh(z)', '[0.42, -0.31, 0.18]', 'expected = {', '"delta.1": [']) assert.ok(text.includes(part), part)
  await context.close()
})

test('a picture is what is on the screen, in plain SVG and as PNG', async () => {
  const { page, context, faults } = await opened(7)
  const onStage = (await numbersOnStage(page)).map(({ text }) => text)
  await page.getByLabel('Picture of').selectOption('the equation')
  const { name, bytes } = await saved(page, 'SVG')
  assert.match(name, /-step-7-equation\.svg$/)
  const svg = bytes.toString()
  assert.ok(!/var\(|class=|oklab|color\(|foreignObject|<script/.test(svg), 'it needs nothing of the page')
  for (const number of onStage) assert.ok(svg.includes(`>${number}<`), `${number} is in the picture`)
  const parsed = await page.evaluate((svg) => new DOMParser().parseFromString(svg, 'image/svg+xml').querySelector('parsererror')?.textContent ?? null, svg)
  assert.equal(parsed, null)

  await page.getByLabel('Picture of').selectOption('the network')
  const network = await saved(page, 'SVG')
  assert.ok((network.bytes.toString().match(/<circle/g) ?? []).length >= 9, 'neurons are circles')
  const png = (await saved(page, 'PNG')).bytes
  assert.equal(png.subarray(1, 4).toString(), 'PNG')
  const box = await page.locator('.network-pane').boundingBox()
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * Math.ceil(box.width), 2 * Math.ceil(box.height)])
  assert.ok(png.length > 20_000, 'something is drawn')
  assert.deepEqual(faults, [])
  await context.close()
})

test('a picture of pictures keeps to the policy of the page', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption('digits')
  await page.locator('.stage .start').waitFor()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('4')
  await page.waitForTimeout(300)
  await page.getByRole('button', { name: 'Take away' }).click()
  await page.getByLabel('Picture of').selectOption('the whole page')
  const { bytes } = await saved(page, 'SVG')
  assert.match(bytes.toString(), /<image [^>]*href="data:image\/png/)
  assert.deepEqual(faults, [])
  await context.close()
})

test('the sheet has blanks on one page and solutions on the next', async () => {
  const { page, context } = await opened(3)
  await page.evaluate(() => {
    // As a printer would see it, which this page has not.
    window.print = () => document.getElementById('page').append(document.querySelector('.worksheet').cloneNode(true))
  })
  await page.getByRole('button', { name: 'Print a sheet…' }).click()
  await page.locator('.worksheet').waitFor({ state: 'attached' })
  const sheet = page.locator('.worksheet').last()
  const [blank, solved] = [sheet.locator('article').first(), sheet.locator('article').last()]
  const computed = 4 + 4 + 2 + 2 + 1 + 2 + 4 + 4 + 4 + 8 + 2 + 12 + 4 + 12 + 4 + 8 + 2
  assert.equal(await blank.locator('.blank').count(), computed)
  assert.ok((await blank.locator('.blank').allTextContents()).every((text) => text === ''), 'no solution is on the first page')
  assert.equal(await solved.locator('.blank').count(), 0)
  assert.match(await solved.textContent(), /solutions/)
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1')
  assert.equal((pdf.match(/\/Type\s*\/Page\b/g) ?? []).length, 2, 'pages of paper')
  await context.close()
})

test('a sheet of a network that is too wide is refused with the reason', async () => {
  const { page, context } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption('digits')
  await page.locator('.stage .start').waitFor()
  await page.getByRole('button', { name: 'Take away' }).click()
  await page.getByText('at most 8 neurons a layer').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Print a sheet…' }).isDisabled())
  await context.close()
})
