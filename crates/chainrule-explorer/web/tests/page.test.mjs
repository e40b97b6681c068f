// The page in a real Chromium: every number against the oracle, steps, edits, links, keys, accessibility. FACE=file: as one file.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentOf, given, hashOf, open, start } from './browser.mjs'
import { allNumbers, assertNear, numbersOnStage, readNumber } from './numbers.mjs'
import { modelOfOtherKinds, modelOfTable } from './other-kinds.mjs'
import { step } from './oracle.mjs'
import { browser, server } from './running.mjs'

const layers = (...list) => ({ kind: 'layers', layers: list.map(([width, activation]) => ({ width, activation, bias: true })) })
const NETWORKS = {
  '3-4-2, tanh, softmax and cross-entropy': ['3-4-2', [{ kind: 'batch', first: 0, count: 3 }]],
  '3-5-4-2, sigmoid and SiLU, half squared error through a sigmoid': [
    '3-4-2',
    [{ kind: 'batch', first: 1, count: 3 }, { kind: 'loss', loss: 'half_squared_error', suit_output: true }, layers([5, 'sigmoid'], [4, 'silu'], [2, 'sigmoid'])],
  ],
  '2-5-4-1, ReLU and tanh, binary cross-entropy': ['xor', [{ kind: 'batch', first: 0, count: 3 }, layers([5, 'relu'], [4, 'tanh'], [1, 'sigmoid'])]],
}

/** Where an operation is a product, the matrices multiply as they stand on the stage, row by column. */
async function assertProductAsDrawn(page, operation) {
  if (!['affine', 'carry_back', 'gradients'].includes(operation)) return
  const drawn = await page.locator('.stage .line').first().locator('table').evaluateAll((tables) =>
    tables.map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.title.match(/= (\S+?)(,|$)/)[1]))),
  )
  const [result, left, right, bias] = drawn.map((rows) => rows.map((row) => row.map(readNumber)))
  result.forEach((row, i) =>
    row.forEach((value, j) => {
      const sum = left[i].reduce((sum, factor, k) => sum + factor * right[k][j], bias ? bias[i][0] : 0)
      assert.ok(Math.abs(sum - value) < 1e-9, `${operation}: row ${i + 1} times column ${j + 1} is ${sum}, drawn is ${value}`)
    }),
  )
}

for (const [title, [example, edits]] of Object.entries(NETWORKS)) {
  test(`every number at every step: ${title}`, async () => {
    const { view, document } = await documentOf(server, example, edits)
    assert.equal(view.samples, 3)
    const values = step(given(view))
    const { page, context, faults } = await open(browser, server.address + hashOf(document))
    await page.locator('.stage .start').waitFor()
    const seen = new Set()
    const expected = (cell) => {
      const [, name, row, column] = cell.match(/^(.*)\[(\d+),(\d+)\]$/)
      seen.add(name)
      return values[name][row][column]
    }
    const total = view.events.length
    assert.equal(total, 6 * view.layers.length)
    for (let position = 1; position <= total; position += 1) {
      await page.keyboard.press('ArrowRight')
      await page.getByText(`Step ${position} of ${total}:`).first().waitFor()
      const numbers = await numbersOnStage(page)
      assert.ok(numbers.length > 0, `there are numbers at step ${position}`)
      for (const { cell, text, exact } of numbers) {
        assert.notEqual(text, '·', `${cell} is not shown at step ${position}`)
        assertNear(readNumber(exact), expected(cell), 1e-9, `${cell}, all digits`)
        const digits = text.replace(/e.*$/, '').replace(/\D/g, '').replace(/^0+/, '').length
        assertNear(readNumber(text), expected(cell), 0.51 * 10 ** (1 - Math.max(3, digits)), `${cell}, written`)
        assert.ok(digits >= 3 || Number.isInteger(expected(cell)), `${cell}: ${text}`)
      }
      await assertProductAsDrawn(page, view.events[position - 1].operation)
      // The chosen cell, plugged in: what it comes to is the number of the oracle.
      const cell = await page.locator('.stage td.selected').first().getAttribute('data-cell')
      // That of the cell before stays until this one's is there.
      const result = page.locator(`.stage footer .explained[data-explains="${cell}"] strong .number`)
      assertNear(readNumber(await result.getAttribute('title')), expected(cell), 1e-9, `${cell}, explained`)
    }
    const computed = Object.keys(values).filter((name) => !(view.output_rule.rule !== 'through_slope' && (name === `error.${view.layers.length}` || name === `slope.${view.layers.length}`)))
    assert.deepEqual([...seen].sort(), computed.sort(), 'every value was on the stage')
    assert.deepEqual(faults, [])
    await context.close()
  })
}

test('no number is anywhere on the page before the step that computes it', async () => {
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'batch', first: 0, count: 3 }])
  const { page, context } = await open(browser, server.address + hashOf(document))
  await page.locator('.stage .start').waitFor()
  const written = (name) => view.values.find((value) => value.name === name).values.map((value) => String(Math.abs(value)).slice(0, 12)).filter((text) => text.length > 10)
  for (let position = 0; position <= view.events.length; position += 1) {
    for (const what of ['.network [data-node="1,2"]', '.network [data-node="2,1"]', '.network .loss', '.network .target >> nth=4']) {
      await page.locator(what).click({ force: true })
      await page.waitForTimeout(60)
      const html = await page.content()
      for (const event of view.events.slice(position)) {
        for (const name of event.outputs) {
          for (const number of written(name)) assert.ok(!html.includes(number), `${name}: ${number} is on the page at step ${position}, ${what} selected`)
        }
      }
    }
    await page.locator('body').click({ position: { x: 5, y: 5 } })
    await page.keyboard.press('ArrowRight')
  }
  await context.close()
})

/** Equal texts, or an error that shows where they part. */
function assertSameText(actual, expected, what) {
  if (actual === expected) return
  let at = 0
  while (actual[at] === expected[at]) at += 1
  const around = (text) => text.slice(Math.max(0, at - 200), at + 100)
  assert.fail(`${what}:\n  ${around(actual)}\nand the first time:\n  ${around(expected)}`)
}

/** What the page shows: elements, their attributes in alphabetical order, and texts; without the focus and the chosen cell. */
const picture = (page) =>
  page.evaluate(() => {
    const ignored = new Set(['tabindex', 'aria-selected'])
    const describe = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return node.textContent.trim()
      if (node.nodeType !== Node.ELEMENT_NODE || node.tagName === 'FOOTER') return ''
      const attributes = [...node.attributes].filter(({ name }) => !ignored.has(name)).sort((one, other) => (one.name < other.name ? -1 : 1))
      const written = attributes.map(({ name, value }) => ` ${name}="${value.replace(/ ?(selected|chosen|operand|current)/g, '')}"`).join('')
      return `<${node.tagName}${written}>${[...node.childNodes].map(describe).join('')}</>`
    }
    return ['.network', '.ledger', '.stage', '.transport'].map((selector) => describe(document.querySelector(selector))).join('\n')
  })

async function settle(page) {
  await page.waitForFunction(() => !document.querySelector('.stage') || !document.querySelector('.stale-label'))
  await page.waitForTimeout(60)
}

for (const size of ['event', 'element', 'phase']) {
  test(`forward and back again gives the same page, step size ${size}`, async () => {
    const { document } = await documentOf(server, '3-4-2', [])
    const { page, context, faults } = await open(browser, server.address + hashOf(document))
    await page.locator('.stage .start').waitFor()
    await page.locator('.transport select').first().selectOption(size)
    await page.locator('body').click({ position: { x: 5, y: 5 } })
    const pictures = []
    const steps = size === 'element' ? 45 : size === 'event' ? 12 : 5
    for (let at = 0; at <= steps; at += 1) {
      await settle(page)
      pictures.push(await picture(page))
      if (at < steps) await page.keyboard.press('ArrowRight')
    }
    assert.equal(new Set(pictures).size, pictures.length, 'each step shows something else')
    for (let at = steps; at >= 0; at -= 1) {
      await settle(page)
      assertSameText(await picture(page), pictures[at], `step ${at} on the way back`)
      if (at > 0) await page.keyboard.press('ArrowLeft')
    }
    assert.deepEqual(faults, [])
    await context.close()
  })
}

test('product by product, each sum grows as the oracle adds it up', async () => {
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'batch', first: 0, count: 3 }])
  const values = step(given(view))
  // Start and products of a cell of z, e and dW, from the definition.
  const sums = {
    z: (l, i, j) => [values[`bias.${l}`][0][j], values[`weight.${l}`][j].map((w, k) => w * values[`a.${l - 1}`][i][k])],
    error: (l, i, k) => [0, values[`delta.${l + 1}`][i].map((d, j) => d * values[`weight.${l + 1}`][j][k])],
    weight_gradient: (l, j, k) => [0, values[`delta.${l}`].map((d, i) => d[j] * values[`a.${l - 1}`][i][k])],
  }
  const { page, context } = await open(browser, server.address + hashOf(document))
  await page.locator('.stage .start').waitFor()
  await page.locator('.transport select').first().selectOption('element')
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  let products = 0
  for (;;) {
    await page.keyboard.press('ArrowRight')
    const sentence = await page.locator('.transport .sentence').textContent()
    if (/^Step 10 /.test(sentence)) break
    const [, term, terms] = sentence.match(/product (\d+) of (\d+)/)?.map(Number) ?? []
    if (!term) continue
    const cell = await page.locator('.stage td.selected').first().getAttribute('data-cell')
    const [, kind, layer, row, column] = cell.match(/^(\w+)\.?(\d*)\[(\d+),(\d+)\]$/)
    if (!sums[kind]) continue
    const [start, list] = sums[kind](Number(layer), Number(row), Number(column))
    assert.equal(terms, list.length, `products of ${cell}`)
    const expected = list.slice(0, term).reduce((sum, product) => sum + product, start)
    await page.waitForFunction(
      ([cell, expected]) => {
        const title = document.querySelector(`.stage td[data-cell="${cell}"]`)?.title ?? ''
        return Math.abs(Number(title.match(/= (\S+?)(,|$)/)?.[1].replaceAll('−', '-')) - expected) < 1e-9
      },
      [cell, expected],
      { timeout: 5000 },
    ).catch(() => assert.fail(`${cell} after ${term} products: ${expected} is expected`))
    products += 1
  }
  // z(1), z(2), e(1) for 3 samples, and dW(1) over them.
  assert.equal(products, 3 * (4 * 3 + 2 * 4 + 4 * 2) + 4 * 3 * 3)
  await context.close()
})

test('an edited weight changes all that depends on it and nothing else; undo and redo', async () => {
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'batch', first: 0, count: 3 }])
  const { page, context, faults } = await open(browser, server.address + hashOf(document))
  await page.locator('.stage .start').waitFor()
  const total = view.events.length
  const before = await allNumbers(page, total)
  // W(2)[1, 3], by keyboard: the step that shows W(2), its grid, Enter, the number, Enter.
  await page.keyboard.press('Home')
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowRight')
  await page.locator('td[data-cell="weight.2[0,2]"]').focus()
  await page.keyboard.press('Enter')
  await page.locator('td input').fill('0,9')
  await page.keyboard.press('Enter')
  await page.locator('td[data-cell="weight.2[0,2]"].changed').waitFor()
  await page.getByText(`Step 3 of ${total}:`).first().waitFor()
  assert.match(await page.locator('td[data-cell="weight.2[0,2]"]').getAttribute('title'), /= 0\.9, before the edit/)
  const marked = await page.locator('.stage td.changed').evaluateAll((cells) => cells.map((cell) => cell.dataset.cell).sort())
  assert.deepEqual(marked, ['weight.2[0,2]', 'z.2[0,0]', 'z.2[1,0]', 'z.2[2,0]'])
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  const after = await allNumbers(page, total)
  const numbers = given(view)
  numbers.weights[1][0][2] = 0.9
  const expected = step(numbers)
  for (const [cell, exact] of after) {
    const [, name, row, column] = cell.match(/^(.*)\[(\d+),(\d+)\]$/)
    assertNear(readNumber(exact), expected[name][row][column], 1e-9, cell)
  }
  const untouched = (cell) => /^(a\.0|target|weight\.1|bias\.|z\.1|a\.1|slope\.1)/.test(cell) || (cell.startsWith('weight.2') && cell !== 'weight.2[0,2]') || /^z\.2\[\d,1\]/.test(cell)
  for (const [cell, exact] of after) assert.equal(exact === before.get(cell), untouched(cell), cell)
  await page.keyboard.press('Control+z')
  await page.waitForFunction(() => !document.querySelector('.stale-label'))
  assert.deepEqual(await allNumbers(page, total), before)
  await page.keyboard.press('Control+Shift+Z')
  await page.waitForTimeout(200)
  assert.deepEqual(await allNumbers(page, total), after)
  assert.deepEqual(faults, [])
  await context.close()
})

test('what is not a number is not taken, and Escape reverts', async () => {
  const { page, context } = await open(browser, server.address)
  await page.keyboard.press('ArrowRight')
  const cell = page.locator('td[data-cell="weight.1[0,0]"]')
  const text = await cell.textContent()
  await cell.focus()
  await page.keyboard.press('Enter')
  await page.locator('td input').fill('a lot')
  await page.keyboard.press('Enter')
  await page.locator('td input[aria-invalid="true"]').waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await cell.textContent(), text)
  assert.equal(await page.evaluate(() => document.activeElement.dataset.cell), 'weight.1[0,0]')
  await context.close()
})

test('next iteration takes the update, and the history is scrubbed', async () => {
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'batch', first: 0, count: 3 }])
  const { page, context, faults } = await open(browser, server.address + hashOf(document))
  await page.locator('.stage .start').waitFor()
  const numbers = given(view)
  for (let iteration = 1; iteration <= 3; iteration += 1) {
    const values = step(numbers)
    numbers.weights = numbers.weights.map((_, index) => values[`updated_weight.${index + 1}`])
    numbers.biases = numbers.biases.map((_, index) => values[`updated_bias.${index + 1}`][0])
    await page.keyboard.press('n')
    await page.getByText(`iteration ${iteration}`).first().waitFor()
  }
  const expected = step(numbers)
  for (const [cell, exact] of await allNumbers(page, view.events.length)) {
    const [, name, row, column] = cell.match(/^(.*)\[(\d+),(\d+)\]$/)
    assertNear(readNumber(exact), expected[name][row][column], 1e-8, cell)
  }
  const first = step(given(view))
  await page.getByRole('slider', { name: 'History' }).fill('0')
  await page.waitForFunction(() => document.querySelector('.history .where').textContent.includes('iteration 0'))
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  const numbersThen = await allNumbers(page, view.events.length)
  assertNear(readNumber(numbersThen.get('loss[0,0]')), first.loss[0][0], 1e-9, 'loss at iteration 0')
  assert.deepEqual(faults, [])
  await context.close()
})

test('edits made faster than answers come are all kept, in their order', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.route('**/edits', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 120))
    await route.continue()
  })
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  for (let i = 0; i < 6; i += 1) await page.keyboard.press('n')
  await page.getByText('iteration 6').first().waitFor()
  // Another document does not take the answer of an edit that was on its way.
  await page.keyboard.press('n')
  await page.getByLabel('Example').selectOption('xor')
  await page.locator('.network').getByText('sample 1 of 4').waitFor()
  await page.waitForTimeout(400)
  assert.match(await page.locator('.history .where').textContent(), /iteration 0/)
  assert.match(await page.getByRole('button', { name: 'Undo' }).getAttribute('title'), /back to Three inputs/)
  // After choosing, the arrows are for the steps.
  await page.keyboard.press('ArrowRight')
  await page.getByText('Step 1 of 12:').first().waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('a walk through products survives another order, another loss, a bias taken away', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.locator('.transport select').first().selectOption('element')
  await page.keyboard.press('4')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await page.getByLabel('order').selectOption('framework')
  await page.locator('.stage td[data-cell]').first().waitFor()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowLeft')
  await page.getByLabel('order').selectOption('lesson')
  await page.keyboard.press('2')
  await page.keyboard.press('ArrowLeft')
  await page.getByRole('button', { name: 'Network…' }).click()
  await page.locator('dialog').getByLabel('Loss').selectOption({ label: 'half squared error' })
  await page.getByLabel('Bias of layer 2').uncheck()
  await page.waitForFunction(() => !document.querySelector('.stale'))
  await page.keyboard.press('Escape')
  await page.locator('.stage').waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('targets that the loss weights are not drawn as if they were subtracted', async () => {
  const weighted = { cross_entropy: { label_smoothing: 0.1, class_weights: [2, 0.5] } }
  const { view, document } = await documentOf(server, '3-4-2', [{ kind: 'loss', loss: weighted, suit_output: false }])
  assert.equal(view.output_rule.targets_as_given, false)
  const { page, context } = await open(browser, server.address + hashOf(document, { position: 6 }))
  await page.getByText('Step 6 of 12:').first().waitFor()
  assert.equal(await page.locator('.stage .operator').filter({ hasText: /^−$/ }).count(), 0)
  const value = view.values.find(({ name }) => name === 'delta.2').values[0]
  await page.waitForFunction((value) => document.querySelector('.stage .explained strong .number')?.title.includes(String(value)), String(Math.abs(value)))
  await context.close()
})

test('a link made right after an edit holds the edit', async () => {
  const { page, context } = await open(browser, server.address)
  // The document from before the edit is at hand, the one after it takes its time.
  await page.waitForTimeout(400)
  await page.route('**/document', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 500))
    await route.continue()
  })
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.getByRole('button', { name: 'Share' }).click()
  await page.waitForFunction(() => document.querySelector('dialog input[readonly]')?.value.includes('#v1.'))
  const link = await page.getByLabel('Link', { exact: true }).inputValue()
  const again = await open(browser, server.address + link.slice(link.indexOf('#')))
  await again.page.getByText('iteration 1').first().waitFor({ timeout: 5000 })
  await again.context.close()
  await context.close()
})

test('links restore what was selected, and say what is wrong with them', async () => {
  const { document } = await documentOf(server, '3-4-2', [])
  const good = await open(browser, server.address + hashOf(document, { position: 8, selection: { target: 'layer', layer: 1 }, tab: 'inspector' }))
  await good.page.getByText('Layer 1 of 2').waitFor()
  await good.context.close()
  const cases = { '#v9.abc': 'another version', '#v1.': 'damaged', [hashOf({ format: 1 })]: 'not as expected', '#something': 'not a link', ['#v1.' + Buffer.from([0xab, 0x56, 0x2a]).toString('base64url')]: 'damaged' }
  for (const [hash, words] of Object.entries(cases)) {
    const { page, context } = await open(browser, server.address + hash)
    await page.locator('.banner').getByText(words).waitFor({ timeout: 5000 })
    await page.locator('.stage .start').waitFor()
    await context.close()
  }
  const odd = await open(browser, server.address + hashOf(document, { position: 99, sample: 7, order: 'none', cell: { name: 'z.1', row: 5, column: -1 }, selection: { target: 'neuron', layer: 9, neuron: 0 } }))
  await odd.page.getByText('Step 12 of 12:').first().waitFor()
  assert.equal(await odd.page.locator('.banner').count(), 0)
  await odd.context.close()
})

test('at 1280 x 800 the page itself does not scroll', async () => {
  const { page, context } = await open(browser, server.address)
  for (const tab of ['Lesson', 'Inspector', 'Check', 'Log']) {
    await page.getByRole('tab', { name: tab }).click()
    const [height, width] = await page.evaluate(() => [document.documentElement.scrollHeight, document.documentElement.scrollWidth])
    assert.deepEqual([height, width], [800, 1280], tab)
  }
  await context.close()
})

test('the golden numbers of the 2-2-2 network', async () => {
  const { page, context } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption('mazur')
  await page.locator('.stage .start').waitFor()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  const numbers = await allNumbers(page, 12)
  const golden = {
    'loss[0,0]': 0.2983711087600027, 'delta.2[0,0]': 0.13849856162855695, 'delta.2[0,1]': -0.038098236516556236,
    'weight_gradient.2[0,0]': 0.08216704056423077, 'delta.1[0,0]': 0.00877135468948693,
  }
  for (const [cell, value] of Object.entries(golden)) assertNear(readNumber(numbers.get(cell)), value, 1e-13, cell)
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  assertNear(readNumber((await allNumbers(page, 12)).get('loss[0,0]')), 0.28047144679143016, 1e-13, 'loss after one update')
  await context.close()
})

test('a share link round trip: same numbers, same step, same selection', async () => {
  const { page, context } = await open(browser, server.address)
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  for (let i = 0; i < 8; i += 1) await page.keyboard.press('ArrowRight')
  const before = { stage: await page.locator('.stage .lines').innerText(), sentence: await page.locator('.transport .sentence').textContent() }
  await page.getByRole('button', { name: 'Share' }).click()
  const link = page.getByLabel('Link', { exact: true })
  await page.waitForFunction(() => document.querySelector('dialog input[readonly]')?.value.includes('#v1.'))
  const address = await link.inputValue()
  assert.ok(!address.includes(new URL(server.address).pathname), 'the link does not give the token away')
  const hash = address.slice(address.indexOf('#'))
  const second = await open(browser, server.address + hash)
  await second.page.getByText('Step 8 of').first().waitFor()
  assert.equal(await second.page.locator('.stage .lines').innerText(), before.stage)
  assert.equal(await second.page.locator('.transport .sentence').textContent(), before.sentence)
  // A damaged link is an error in words, and the page stays usable.
  await page.getByLabel('Link to open').fill(hash.slice(0, 60))
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await page.getByText('damaged').waitFor()
  await second.context.close()
  await context.close()
})

test('the lesson by keyboard alone', async () => {
  const { page, context, faults } = await open(browser, server.address)
  const focusedText = () => page.evaluate(() => document.activeElement.textContent.trim())
  const seen = new Set()
  const positions = new Set()
  for (let presses = 0; presses < 400; presses += 1) {
    await page.keyboard.press('Tab')
    const text = await focusedText()
    if (/^show me/i.test(text)) {
      await page.keyboard.press('Enter')
      positions.add((await page.locator('.transport .sentence').textContent()).match(/^(Step \d+|Before)/)[0])
      seen.add(presses)
    } else if (await page.evaluate(() => document.activeElement.matches('.panel summary, .panel [aria-expanded="false"]'))) {
      await page.keyboard.press('Enter')
    }
    if (await page.evaluate(() => document.activeElement === document.body)) break
  }
  assert.ok(seen.size >= 5, `${seen.size} "show me" were reached`)
  assert.ok(positions.size >= 3, `they went to ${[...positions].join(', ')}`)
  for (const phase of ['1', '2', '3', '4', '5']) {
    await page.locator('body').click({ position: { x: 5, y: 5 } })
    await page.keyboard.press(phase)
    await page.waitForTimeout(50)
  }
  await page.getByText('Step 12 of 12:').first().waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

const MODES = {
  light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' },
  'forced colours': { forcedColors: 'active' }, 'reduced motion': { reducedMotion: 'reduce' }, narrow: { viewport: { width: 390, height: 844 } },
}
for (const [mode, options] of Object.entries(MODES)) {
  test(`no serious finding of axe: ${mode}`, async () => {
    const { page, context, faults } = await open(browser, server.address, { ...options, bypassCSP: true })
    await page.addScriptTag({ path: new URL('../node_modules/axe-core/axe.min.js', import.meta.url).pathname })
    const check = async (what) => {
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join(' | ')}`), [], what)
    }
    await check('at the start')
    for (const phase of ['1', '2', '3', '4', '5']) {
      await page.locator('body').click({ position: { x: 5, y: 5 } })
      await page.keyboard.press(phase)
      await page.waitForTimeout(80)
      await check(`phase ${phase}`)
    }
    await page.locator('.stage td').first().click()
    for (const tab of ['Inspector', 'Check', 'Log', 'Lesson']) {
      await page.getByRole('tab', { name: tab }).click()
      await page.waitForTimeout(80)
      await check(tab)
    }
    for (const dialog of ['Network…', 'Share', 'View', 'Help']) {
      await page.getByRole('button', { name: dialog, exact: true }).click()
      await page.locator('dialog').waitFor()
      await check(dialog)
      await page.keyboard.press('Escape')
    }
    assert.deepEqual(faults, [])
    await context.close()
  })
}

test('a large network stays usable, with at most 400 interactive cells', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption('digits')
  await page.locator('.stage .start').waitFor()
  await page.getByRole('button', { name: 'Network…' }).click()
  const set = async (field, value) => {
    await page.getByLabel(field).fill(String(value))
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => !document.querySelector('.stale'))
  }
  await set('Neurons of layer 1', 512)
  await page.getByRole('button', { name: 'Add a hidden layer' }).click()
  await page.getByLabel('Neurons of layer 3').waitFor()
  await set('Neurons of layer 2', 256)
  await set('Samples in the batch', 32)
  await page.keyboard.press('Escape')
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  for (let position = 1; position <= 18; position += 1) {
    await page.keyboard.press('ArrowRight')
    await page.getByText(`Step ${position} of 18:`).first().waitFor()
    await page.waitForFunction(() => !document.querySelector('.stage').textContent.includes('loading'))
    const cells = await page.locator(':is(td[tabindex], button, [role="button"], [role="application"]):visible').count()
    assert.ok(cells <= 400, `${cells} interactive cells at step ${position}`)
    assert.ok((await page.locator('.stage :is(canvas, td[data-cell])').count()) > 0, `numbers or a picture at step ${position}`)
  }
  // The picture's focused cell is the number that is explained.
  await page.getByText('… 506 more').first().waitFor()
  await page.keyboard.press('3')
  await page.locator('.stage [role="application"]').first().click({ position: { x: 9, y: 30 } })
  const caption = await page.locator('.stage figcaption .number').first()
  const [, layer, neuron, sample] = (await caption.textContent()).match(/δ\((\d)\)\[(\d+)\], sample (\d+)/)
  const explained = page.locator(`[data-explains="delta.${layer}[${sample - 1},${neuron - 1}]"] strong .number`)
  await explained.waitFor()
  const value = readNumber(await explained.getAttribute('title'))
  assertNear(readNumber(await caption.getAttribute('title')), value, 1e-12, await caption.textContent())
  // After an edit the picture of z(1) tells the chosen number before it.
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await page.locator('.stage [data-name="z.1"]').click({ position: { x: 9, y: 90 } })
  const before = await caption.getAttribute('title')
  assert.match(await caption.textContent(), /^z\(1\)/)
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.waitForFunction((before) => document.querySelectorAll('.stage figcaption .number')[1]?.title === before, before, { timeout: 5000 })
  assert.notEqual(await caption.getAttribute('title'), before)
  assert.deepEqual(faults, [])
  await context.close()
})

test('a model of the default preset: every number of its columns, scale and learned activations, a gap among the inputs', async () => {
  const { model, table, trace, remove } = modelOfTable()
  const own = await start(model, table, '--rows', '0..3')
  try {
    const values = new Map([...trace.given, ...trace.events.flatMap((event) => event.outputs)].map((value) => [value.name, value]))
    const { page, context, faults } = await open(browser, own.address)
    await page.locator('.stage .start').waitFor()
    const total = trace.events.length
    const numbers = await allNumbers(page, total)
    assert.ok(numbers.size > 200, `${numbers.size} numbers were on the stage`)
    let compared = 0
    for (const [cell, exact] of numbers) {
      const [, name, row, column] = cell.match(/^(.*)\[(\d+),(\d+)\]$/)
      // The page has classes as rows of zeros and a one.
      if (exact === null || name === 'target') continue
      assert.ok(values.has(name), `the trace has ${name} of ${cell}`)
      const { shape, values: expected } = values.get(name)
      // A vector stands in a row or in a column.
      const wanted = expected[shape.length > 1 ? row * shape[1] + Number(column) : Number(row) + Number(column)]
      if (wanted === 'NaN') assert.equal(exact, 'NaN', cell)
      else assertNear(readNumber(exact), wanted, 1e-6, cell)
      compared += 1
    }
    assert.ok(compared > 200, `${compared} numbers were compared`)
    assert.deepEqual(faults, [])
    await context.close()
  } finally {
    await own.stop()
    remove()
  }
})

test('layers of other kinds: edges without weights, formulas, and the numbers of a neuron when they are computed', async () => {
  const { model, table, remove } = modelOfOtherKinds()
  const own = await start(model, table, '--rows', '0..4')
  try {
    const { page, context, faults } = await open(browser, own.address)
    await page.locator('.stage .start').waitFor()
    await page.locator('body').click({ position: { x: 3, y: 3 } })
    // The factors of layer 1 join equal places, 3 of them; layer 3 joins all, 25; only the edges of dense layers can be chosen.
    assert.equal(await page.locator('.network .edge:not(.to-loss)').count(), 3 + 3 * 5 + 5 * 5 + 5 * 2)
    assert.equal(await page.locator('.network .target').count(), 3 * 5 + 5 * 2)
    await page.getByRole('tab', { name: 'Inspector' }).click()
    const inspector = page.locator('.inspector')
    await page.locator('.network [data-node="3,1"]').click()
    await inspector.getByText('layer norm, 5 → 5').waitFor()
    assert.equal(await inspector.locator('.number').count(), 0, 'no number before its step')
    await page.keyboard.press('Escape')
    await page.keyboard.press('End')
    await page.locator('.network [data-node="1,1"]').click()
    await inspector.getByText('scale, 3 → 3').waitFor()
    const [before, after] = (await inspector.locator('.number').allInnerTexts()).map(readNumber)
    assertNear(after, 0.5 * before, 1e-3, 'a(1) of neuron 2, whose factor is 0.5')
    // The lesson speaks of dense layers: it says so, points at nothing and gives no shapes that are not there.
    await page.getByRole('tab', { name: 'Lesson' }).click()
    for (const chapter of ['Start', '1 Forward', '3 Backward', '4 Gradients', '5 Update', 'Memory']) {
      await page.locator('.lesson nav').getByRole('button', { name: chapter, exact: false }).first().click()
      await page.locator('.lesson .note', { hasText: 'scale, layer norm' }).waitFor()
      assert.equal(await page.locator('.lesson .show:enabled').count(), 0, chapter)
      assert.equal(await page.locator('.lesson h3', { hasText: 'Shapes in this network' }).count(), 0, chapter)
    }
    // Nothing is asked of the program that it has no answer to.
    assert.deepEqual(faults, [])
    await context.close()
  } finally {
    await own.stop()
    remove()
  }
})
