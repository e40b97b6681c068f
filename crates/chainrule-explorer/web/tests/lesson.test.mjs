// What a learner meets in a real Chromium: nothing stale passes for current, no work is lost, numbers stand in formulas.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentOf, hashOf, open, start } from './browser.mjs'
import { modelOfOtherKinds } from './other-kinds.mjs'
import { browser, server } from './running.mjs'

const free = (page) => page.locator('body').click({ position: { x: 5, y: 5 } })
const iterations = async (page, count) => {
  for (let i = 1; i <= count; i += 1) {
    await page.keyboard.press('n')
    await page.getByText(`iteration ${i}`).first().waitFor()
  }
}
const goTo = async (page, step) => {
  await page.keyboard.press('Home')
  for (let i = 0; i < step; i += 1) await page.keyboard.press('ArrowRight')
  await page.getByText(`Step ${step} of`).first().waitFor()
}
const exactOf = (title) => title.match(/= (\S+?)(,|$)/)?.[1]
const addressHolds = (page, pattern) => page.waitForFunction((source) => new RegExp(source).test(location.hash), pattern.source, { timeout: 5000 })

test('reload keeps edits, step and selection', async () => {
  const { page, context, faults } = await open(browser, server.address)
  // Without edits the address names the example.
  await goTo(page, 8)
  await page.locator('.stage td[data-cell="delta.1[0,1]"]').click()
  await addressHolds(page, /^#step=8&select=delta\.1\[0,1\]$/)
  await page.reload()
  await page.getByText('Step 8 of').first().waitFor()
  await page.locator('.stage td[data-cell="delta.1[0,1]"].selected').waitFor()
  // With edits it holds the document.
  await free(page)
  await iterations(page, 2)
  await addressHolds(page, /^#v1\./)
  const numbers = await page.locator('.stage .lines').innerText()
  await page.getByRole('tab', { name: 'Inspector' }).click()
  await page.locator('.network [data-node="1,2"]').click()
  const heading = await page.locator('.inspector h2').textContent()
  await page.waitForTimeout(900)
  await page.reload()
  await page.getByText('iteration 2').first().waitFor()
  await page.getByText('Step 8 of').first().waitFor()
  assert.equal(await page.locator('.stage .lines').innerText(), numbers)
  assert.equal(await page.locator('.inspector h2').textContent(), heading)
  assert.deepEqual(faults, [])
  await context.close()
})

test('Back and Undo bring the document before back as it was, with its history', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await iterations(page, 2)
  await free(page)
  await goTo(page, 6)
  const title = 'Three inputs, four neurons, two classes'
  const where = (text) => page.waitForFunction((text) => document.querySelector('.history .where').textContent.includes(text), text)
  const example = () => page.locator('header select').first().evaluate((select) => select.selectedOptions[0].text)
  const choose = async () => {
    await page.getByLabel('Example').selectOption('xor')
    await addressHolds(page, /^#example=xor/)
    await where('iteration 0')
  }
  await choose()
  await page.goBack()
  await where('iteration 2')
  await page.getByText('Step 6 of 12').first().waitFor()
  assert.equal(await example(), title)
  await addressHolds(page, /^#v1\./)
  await page.keyboard.press('Control+z')
  await where('iteration 1')
  await page.keyboard.press('Control+Shift+Z')
  await where('iteration 2')
  await page.goForward()
  await where('iteration 0')
  assert.match(await example(), /^XOR/)
  // Undo at the start of a document's history leads to the one before, Redo there to this one again.
  await page.keyboard.press('Control+z')
  await where('iteration 2')
  await page.getByText('Step 6 of 12').first().waitFor()
  await page.keyboard.press('Control+Shift+Z')
  await where('iteration 0')
  assert.match(await example(), /^XOR/)
  await page.keyboard.press('Control+z')
  await where('iteration 2')
  // An edit there ends the way to the other document, as it ends the way to revisions.
  await page.keyboard.press('n')
  await where('iteration 3')
  assert.equal(await page.getByRole('button', { name: 'Redo' }).isDisabled(), true)
  // After a reload Back goes by the address, which follows a moment later.
  await page.waitForTimeout(600)
  await choose()
  await page.reload()
  await page.locator('.stage .start').waitFor()
  await page.goBack()
  await where('iteration 3')
  assert.equal(await example(), title)
  assert.deepEqual(faults, [])
  await context.close()
})

test('a network too large for the address asks before it is left, once there are edits', async () => {
  const { page, context } = await open(browser, `${server.address}#example=digits`)
  const asked = []
  page.on('dialog', (dialog) => {
    asked.push(dialog.type())
    dialog.accept()
  })
  await free(page)
  await page.reload()
  assert.deepEqual(asked, [], 'nothing would be lost')
  await page.getByRole('button', { name: 'Network…' }).click()
  await page.getByLabel('Neurons of layer 1').fill('512')
  await page.keyboard.press('Enter')
  await page.locator('.history').getByText('not in the address').waitFor({ timeout: 10_000 })
  await page.keyboard.press('Escape')
  await page.reload()
  assert.deepEqual(asked, ['beforeunload'])
  await context.close()
})

test('a deep link opens an example at a step with a cell selected; one that names nothing says so', async () => {
  const { page, context, faults } = await open(browser, `${server.address}#example=digits&step=8&select=delta.1[0,2]`)
  await page.getByText('Step 8 of 12').first().waitFor()
  await page.locator('.stage footer .explained[data-explains="delta.1[0,2]"]').waitFor()
  await page.evaluate(() => (location.hash = '#example=mazur&step=5&sample=0&tab=inspector&inspect={"target":"layer","layer":2}'))
  await page.getByText('Step 5 of 12').first().waitFor()
  await page.locator('.inspector h2').getByText('Layer 2 of 2').waitFor()
  await page.goBack()
  await page.getByText('Step 8 of 12').first().waitFor()
  await page.locator('.stage footer .explained[data-explains="delta.1[0,2]"]').waitFor()
  assert.deepEqual(faults, [])
  const odd = await open(browser, `${server.address}#example=mazur&step=-3&select=delta.7[9,9]&inspect={&sample=x`)
  await odd.page.locator('.stage .start').waitFor()
  assert.equal(await odd.page.locator('.banner').count(), 0)
  await odd.context.close()
  const unknown = await open(browser, `${server.address}#example=none`)
  await unknown.page.locator('.banner').getByText('no example').waitFor()
  await unknown.context.close()
  await context.close()
})

test('where the address may not be changed the page works without', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  await context.addInitScript(() => {
    const refuse = () => { throw new DOMException('not here', 'SecurityError') }
    history.pushState = refuse
    history.replaceState = refuse
  })
  const page = await context.newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(server.address)
  await page.locator('main').waitFor()
  await iterations(page, 2)
  await page.getByLabel('Example').selectOption('xor')
  await page.waitForFunction(() => document.querySelector('.history .where').textContent.includes('iteration 0'))
  await page.waitForTimeout(500)
  await page.keyboard.press('Control+z')
  await page.getByText('iteration 2').first().waitFor()
  assert.equal(new URL(page.url()).hash, '')
  assert.deepEqual(faults, [])
  await context.close()
})

test('the history shows a loss from its step on, and the one before it', async () => {
  const { page, context } = await open(browser, server.address + '#example=mazur')
  const where = page.locator('.history .where')
  await iterations(page, 1)
  assert.doesNotMatch(await where.textContent(), /loss/)
  assert.equal(await page.locator('.history circle').count(), 0)
  assert.doesNotMatch(await page.getByRole('slider', { name: 'History' }).getAttribute('aria-valuetext'), /loss/)
  await goTo(page, 5)
  assert.match(await where.textContent(), /loss 0\.2984 → 0\.2805/)
  assert.equal(await page.locator('.history circle').count(), 1)
  await context.close()
})

test('"before the edit" is the value before the edit that made the revision, also after Undo', async () => {
  const { page, context } = await open(browser, server.address)
  await goTo(page, 1)
  const cell = page.locator('td[data-cell="weight.1[0,0]"]')
  const first = exactOf(await cell.getAttribute('title'))
  const set = async (number) => {
    await cell.focus()
    await page.keyboard.press('Enter')
    await page.locator('td input').fill(number)
    await page.keyboard.press('Enter')
    await page.waitForFunction((number) => document.querySelector('td[data-cell="weight.1[0,0]"]').title.includes(`= ${number}`), number)
  }
  await set('0.25')
  await set('0.75')
  assert.match(await cell.getAttribute('title'), /= 0\.75, before the edit 0\.25$/)
  await page.keyboard.press('Control+z')
  await page.waitForFunction(() => document.querySelector('td[data-cell="weight.1[0,0]"]').title.includes('= 0.25'))
  assert.ok((await cell.getAttribute('title')).endsWith(`= 0.25, before the edit ${first}`))
  await page.keyboard.press('Control+z')
  await page.waitForFunction(() => !document.querySelector('td[data-cell="weight.1[0,0]"]').title.includes('0.25'))
  assert.equal(await page.locator('.stage td.changed').count(), 0)
  await context.close()
})

test('the check marks the digits that are the same', async () => {
  const { page, context } = await open(browser, server.address)
  await goTo(page, 1)
  await page.locator('.stage td[data-cell="weight.1[0,0]"]').click()
  await page.getByRole('tab', { name: 'Check' }).click()
  await page.locator('.transport').getByRole('button', { name: 'Last' }).click()
  const check = page.getByRole('button', { name: /^Check W/ })
  await check.click()
  await page.locator('.check mark').first().waitFor()
  const marks = (await page.locator('.check mark').allTextContents()).map((text) => text.replace(/\D/g, ''))
  assert.equal(marks[0], marks[1])
  assert.match(await page.locator('.check').textContent(), new RegExp(`${marks[0].length} leading digits are the same`))
  await context.close()
})

const explained = async (page, cell) => {
  const formula = page.locator(`.stage footer .explained[data-explains="${cell}"]`)
  await formula.waitFor()
  return (await formula.textContent()).replace(/\s+/g, ' ').trim()
}

test('formulas stand with their numbers', async () => {
  const cases = [
    ['#step=5', 'loss[0,0]', /^−ln 0\.3521 = 1\.044$/],
    ['#step=8&select=slope.1[0,0]', 'slope.1[0,0]', /^1 − a² = 1 − 0\.5750 ?² = 0\.6693$/],
    ['#step=2&select=a.1[0,0]', 'a.1[0,0]', /^tanh\(z\) = tanh\( ?0\.6550 ?\) = 0\.5750$/],
    ['#example=mazur&step=2&select=a.1[0,0]', 'a.1[0,0]', /= 1 \/ \(1 \+ exp\(− ?0\.3775 ?\)\) = 0\.5933$/],
    ['#example=mazur&step=6&select=slope.2[0,0]', 'slope.2[0,0]', /^a \(1 − a\) = 0\.7514 × \(1 − 0\.7514 ?\) = 0\.1868$/],
    ['#example=mazur&step=5', 'loss[0,0]', /^½ × \(\( ?0\.7514 − 0\.01000 ?\)² \+ \( ?0\.7729 − 0\.9900 ?\)²\) = 0\.2984$/],
    ['#example=saturated-sigmoid&step=5', 'loss[0,0]', /^½ × \( ?0\.\d+ − \d(\.\d+)? ?\)² = /],
  ]
  for (const [hash, cell, words] of cases) {
    const { page, context, faults } = await open(browser, server.address + hash)
    assert.match(await explained(page, cell), words)
    assert.deepEqual(faults, [])
    await context.close()
  }
})

test('smoothed targets show the number that is taken off, and how it comes about', async () => {
  const smoothed = { cross_entropy: { label_smoothing: 0.1, class_weights: null } }
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'batch', first: 0, count: 2 }, { kind: 'loss', loss: smoothed, suit_output: false }])
  const { page, context } = await open(browser, server.address + hashOf(document, { position: 6, selection: { target: 'loss' }, tab: 'inspector' }))
  await page.getByText('Step 6 of 12:').first().waitFor()
  // The equation as it is drawn holds: delta = (a - (0.9 y + 0.05)) / 2.
  const drawn = (await page.locator('.stage .line').first().innerText()).replace(/\s+/g, ' ')
  assert.match(drawn, /− .*\( 0\.9 · .*\+ 0\.05 \).*÷/)
  const values = (name) => view.values.find((value) => value.name === name).values
  values('delta.2').forEach((delta, index) => {
    assert.ok(Math.abs(delta - (values('a.2')[index] - (0.9 * values('target')[index] + 0.05)) / 2) < 1e-12)
  })
  const right = values('target').slice(0, 2).indexOf(1)
  await page.locator(`.stage td[data-cell="delta.2[0,${right}]"]`).click()
  assert.match(await explained(page, `delta.2[0,${right}]`), /− 0\.9500 ?all over 2/)
  await page.locator('.stage footer').getByText('0.9 × 1 + 0.1 / 2 = 0.95').waitFor()
  await page.locator('.network .loss').click()
  await page.locator('.inspector').getByText('smoothed: 0.9 × 1 + 0.1 / 2 = 0.9500').waitFor()
  assert.doesNotMatch(await page.locator('.inspector').innerText(), /= −y \/ a/)
  await context.close()
})

test('the lesson begins with its five steps, each a way into its chapter', async () => {
  const { page, context } = await open(browser, server.address)
  const preview = page.getByRole('navigation', { name: 'The five steps' })
  const names = await preview.getByRole('button').allTextContents()
  assert.equal(names.length, 5)
  for (const title of ['1. Forward', '2. Output error', '3. Backward', '4. Gradients', '5. Update']) {
    await preview.getByRole('button', { name: title }).click()
    await page.locator('#lesson-title').getByText(title).waitFor()
    await page.locator('.lesson nav').getByRole('button', { name: 'Start' }).click()
  }
  await context.close()
})

test('the lesson speaks of the loss and output that the network has', async () => {
  const words = {
    '#step=6': 'For softmax with cross-entropy the answer is short', '#example=mazur&step=6': 'the slope of sigmoid, a(1 − a)',
    '#example=saturated-sigmoid&step=6': 'the slope of sigmoid, a(1 − a)', '#example=xor&step=6': 'For sigmoid with binary cross-entropy',
  }
  for (const [hash, text] of Object.entries(words)) {
    const { page, context } = await open(browser, server.address + hash)
    await page.locator('.lesson article').getByText(text).waitFor()
    const article = await page.locator('.lesson article').textContent()
    assert.equal(article.includes('For softmax with cross-entropy'), hash === '#step=6', hash)
    await context.close()
  }
})

test('a nudge moves the weight, and the loss by as much as the gradient predicts', async () => {
  const { page, context, faults } = await open(browser, server.address + '#step=10')
  await page.locator('#lesson-title').getByText('4. Gradients').waitFor()
  await page.getByRole('button', { name: 'Nudge W(1)[1, 1] by +0.01' }).click()
  const nudge = page.locator('.nudge')
  await nudge.getByText('It moved by').waitFor()
  const numbers = await nudge.locator('.number').evaluateAll((list) => list.map((number) => Number(number.title.replaceAll('−', '-'))))
  const [before, after, change, gradient, predicted] = numbers
  assert.ok(Math.abs(after - before - change) < 1e-15 && Math.abs(0.01 * gradient - predicted) < 1e-15)
  assert.ok(Math.abs(change - predicted) < 0.05 * Math.abs(predicted), `${change} and ${predicted}`)
  await page.locator('#lesson-title').getByText('4. Gradients').waitFor()
  assert.match(await page.locator('.history .where').textContent(), /W\(1\)\[1, 1\]/)
  await nudge.getByRole('button', { name: 'Take it back' }).click()
  await page.waitForFunction(() => document.querySelector('.history .where').textContent.includes('iteration 0') && !document.querySelector('.nudge strong'))
  // A batch where the text sums over samples.
  await page.getByRole('button', { name: 'Take a batch of 3' }).click()
  await page.locator('.lesson').getByText('Here 3 samples are summed').waitFor()
  await page.locator('.stage footer').getByText('summed over 3 samples').waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('sentences have symbols and no plain engine text, for dense layers and others', async () => {
  const plain = /\bdelta\(|sigma'|\^T|\^2|dLoss|sqrt\(|\beta\b| \* |->/
  const walk = async (page, total) => {
    for (let step = 1; step <= total; step += 1) {
      await page.keyboard.press('ArrowRight')
      await page.getByText(`Step ${step} of ${total}:`).first().waitFor()
      await page.waitForTimeout(40)
      // The lesson names the letter once.
      assert.doesNotMatch((await page.locator('body').innerText()).replace('η (eta', ''), plain, `step ${step}`)
      if (step < total && !/Output error|loss|moves the parameters/.test(await page.locator('.transport .sentence').textContent())) {
        assert.ok((await page.locator('.transport .sentence sup').count()) > 0, `step ${step} has a symbol`)
      }
    }
  }
  const { page, context } = await open(browser, server.address)
  await free(page)
  await walk(page, 12)
  await context.close()
  const { model, table, remove } = modelOfOtherKinds()
  const own = await start(model, table, '--rows', '0..4')
  try {
    const { page, context } = await open(browser, own.address)
    await free(page)
    const total = (await own.api(`revisions/${(await own.api('catalog')).start}`)).events.length
    await walk(page, total)
    await context.close()
  } finally {
    await own.stop()
    remove()
  }
})

test('the verdict of the shape puzzle has no frame of its own', async () => {
  const { page, context } = await open(browser, server.address)
  await page.locator('.lesson nav').getByRole('button', { name: 'Shapes' }).click()
  const tiles = page.getByRole('group', { name: 'Tiles' }).getByRole('button')
  await tiles.nth(1).click()
  await tiles.nth(2).click()
  const outcome = page.locator('.lesson .outcome')
  await outcome.getByText('Right.').waitFor()
  const frame = await outcome.evaluate((element) => [getComputedStyle(element).borderRadius, getComputedStyle(element).borderLeftWidth])
  assert.deepEqual(frame, ['0px', '0px'])
  await context.close()
})

for (const width of [320, 390]) {
  test(`no formula of the lesson is cut at ${width} pixels`, async () => {
    const { page, context } = await open(browser, server.address, { viewport: { width, height: 800 } })
    for (const name of ['Start', '1 Forward', '2 Output error', '3 Backward', '4 Gradients', '5 Update', 'Memory']) {
      await page.locator('.lesson nav').getByRole('button', { name }).first().click()
      const cut = await page.locator('.lesson :is(.formulas, section)').evaluateAll((boxes) =>
        boxes.filter((box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1).map((box) => box.textContent.trim()))
      assert.deepEqual(cut, [], name)
    }
    await context.close()
  })
}
