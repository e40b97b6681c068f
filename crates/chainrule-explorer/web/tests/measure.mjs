// Budgets as times: start-up, a step, an edit to its new trace. Run by hand: node tests/measure.mjs, with CHAINRULE set; FACE=file measures
// the exported file.
import { face, launch, open, start } from './browser.mjs'

const median = (list) => list.sort((one, other) => one - other)[Math.floor(list.length / 2)]
const summary = (list) => `median ${median(list).toFixed(1)} ms, largest ${Math.max(...list).toFixed(1)} ms, ${list.length} times`

const browser = await launch()
const starts = []
for (let round = 0; round < 5; round += 1) {
  const began = performance.now()
  const server = await start()
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  const opened = performance.now()
  await page.goto(server.address)
  await page.locator('.stage').waitFor()
  starts.push([opened - began, performance.now() - began])
  await page.context().close()
  await server.stop()
}
if (face === 'file') console.log(`page usable, counted from opening the file: ${summary(starts.map(([first, second]) => second - first))}`)
else {
  console.log(`program started and address printed: ${summary(starts.map(([first]) => first))}`)
  console.log(`page usable, counted from the start of the program: ${summary(starts.map(([, second]) => second))}`)
}

const server = await start()
for (const example of ['3-4-2', 'digits', 'deep-10']) {
  const { page, context } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption(example)
  await page.locator('.stage .start').waitFor()
  // From the key to the end of the work that it causes: script, layout, and the frame that shows it.
  const press = (key) =>
    page.evaluate(async (key) => {
      const began = performance.now()
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
      await Promise.resolve()
      document.body.getBoundingClientRect()
      return performance.now() - began
    }, key)
  const steps = []
  for (let round = 0; round < 4; round += 1) {
    for (const key of ['ArrowRight', 'ArrowLeft']) for (let i = 0; i < 12; i += 1) steps.push(await press(key))
  }
  console.log(`${example}: a step, script and layout: ${summary(steps)}`)
  const edits = []
  for (let round = 0; round < 20; round += 1) {
    edits.push(await page.evaluate(async () => {
      const field = document.querySelector('input[aria-label="Learning rate"]')
      const began = performance.now()
      const shown = document.querySelector('.history .where').textContent
      field.focus()
      field.value = String(Number(field.value) + 0.01)
      field.dispatchEvent(new Event('input', { bubbles: true }))
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
      while (document.querySelector('.history .where').textContent === shown) await new Promise((resolve) => setTimeout(resolve, 0))
      document.body.getBoundingClientRect()
      return performance.now() - began
    }))
  }
  console.log(`${example}: an edit to its new trace on the screen: ${summary(edits)}`)
  await context.close()
}
await server.stop()
await browser.close()
