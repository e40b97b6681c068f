// Nothing lies over anything else and nothing is cut, for every example, at every step, from a phone to a large screen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose, documentOf, hashOf, open } from './browser.mjs'
import { cutParts, layoutFaults } from './geometry.mjs'
import { browser, server } from './running.mjs'

const EXAMPLES = ['3-4-2', 'mazur', 'xor', 'dead-relu', 'saturated-sigmoid', 'deep-10', 'digits']
const dense = (...list) => ({ kind: 'layers', layers: list.map(([width, activation]) => ({ width, activation, bias: true })) })

/** The page as it is, at the start and after each of the keys. */
async function look(page, keys, roomy, what) {
  await page.keyboard.press('Home')
  for (const key of ['Home', ...keys]) {
    await page.keyboard.press(key)
    await page.waitForFunction(() => document.querySelector('.stage .start, .stage .explained') && !document.querySelector('.stage').textContent.includes('loading'))
    // One frame for what is measured and laid out anew.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    const sentence = await page.locator('.transport .sentence').textContent()
    assert.deepEqual(await layoutFaults(page, roomy), [], `${what}: ${sentence}`)
  }
}

const SIZES = [[1280, 800], [1920, 1080], [1280, 600], [960, 540], [390, 844], [800, 1100]]
for (const [width, height] of SIZES) {
  test(`nothing lies over anything else and nothing is cut: ${width} x ${height}`, async () => {
    const { page, context, faults } = await open(browser, server.address, { viewport: { width, height } })
    const roomy = width >= 1280 && height >= 800
    for (const example of EXAMPLES) {
      await choose(page, example)
      await look(page, example === 'deep-10' ? ['1', '2', '3', '4', '5'] : Array(12).fill('ArrowRight'), roomy, example)
    }
    // With a history.
    await choose(page, 'mazur')
    for (const iteration of [1, 2]) {
      await page.keyboard.press('n')
      await page.getByText(`iteration ${iteration}`).first().waitFor()
    }
    await look(page, ['3', '5'], roomy, 'mazur, iteration 2')
    assert.deepEqual(faults, [])
    await context.close()
  })
}

test('no matrix of 3-4-2 is cut, of one sample, of three and presenting; the loss, inputs and outputs of wide networks are in sight', async () => {
  const cases = [
    ['3-4-2', [], 12], ['3-4-2', [{ kind: 'batch', first: 0, count: 3 }], 12], ['presenting', [], 12],
    ['wide', [dense([12, 'tanh'], [12, 'sigmoid'], [2, 'softmax'])], 0], ['wider', [dense([16, 'tanh'], [16, 'sigmoid'], [2, 'softmax'])], 0],
  ]
  for (const [name, edits, steps] of cases) {
    const { document } = await documentOf(server, '3-4-2', edits)
    const { page, context, faults } = await open(browser, server.address + hashOf(document), { viewport: { width: 1280, height: name === 'presenting' ? 720 : 800 } })
    if (name === 'presenting') await page.keyboard.press('p')
    for (let step = 0; step <= steps; step += 1) {
      if (step > 0) {
        await page.keyboard.press('ArrowRight')
        await page.waitForFunction(() => document.querySelector('.stage .explained'))
      }
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      assert.deepEqual(await cutParts(page), [], `${name}, ${edits.length} edits, step ${step}`)
    }
    // It scrolls past them.
    await page.locator('.network .scroll').evaluate((picture) => picture.scrollTo(0, 9999))
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    assert.deepEqual(await cutParts(page), [], `${name}, scrolled`)
    assert.deepEqual(faults, [])
    await context.close()
  }
})

test('on digits the tiles of dW and the line of db are both seen at 1280 x 800, without scrolling', async () => {
  const { page, context } = await open(browser, server.address)
  await choose(page, 'digits')
  for (let step = 0; step < 9; step += 1) await page.keyboard.press('ArrowRight')
  await page.getByText('Step 9 of 12:').first().waitFor()
  const stage = await page.locator('.stage .lines').boundingBox()
  for (const name of ['weight_gradient.1', 'bias_gradient.1']) {
    const { y, height } = await page.locator(`.stage [data-name="${name}"]`).evaluate((element) => (element.closest('.box') ?? element).getBoundingClientRect().toJSON())
    assert.ok(y >= stage.y && y + height <= stage.y + stage.height + 1, `${name} from ${y} to ${y + height}, the stage from ${stage.y} to ${stage.y + stage.height}`)
    assert.ok(height > 50, `${name} is ${height} pixels high`)
  }
  await context.close()
})

test('presenting: large type, no ledger, and a transport that stays where it is', async () => {
  for (const [width, height] of [[1280, 800], [1280, 720], [1920, 1080], [960, 540]]) {
    const { page, context, faults } = await open(browser, server.address, { viewport: { width, height } })
    const sizeOf = (selector) => page.locator(selector).first().evaluate((element) => parseFloat(getComputedStyle(element).fontSize))
    const selectors = ['.transport .sentence', '.lesson p', '.network .heading', 'header select']
    const before = await Promise.all(selectors.map(sizeOf))
    await page.keyboard.press('p')
    await page.waitForFunction(() => document.documentElement.classList.contains('presenting'))
    for (const [index, selector] of selectors.entries()) assert.ok((await sizeOf(selector)) > before[index] * 1.1, `${selector} is larger, ${width} x ${height}`)
    assert.equal(await page.locator('.ledger-pane').isVisible(), false)
    for (const example of ['3-4-2', 'deep-10', 'digits']) {
      await choose(page, example)
      const tops = new Set()
      for (const key of ['Home', ...(example === 'deep-10' ? ['1', '2', '3', '4', '5'] : Array(12).fill('ArrowRight'))]) {
        await page.keyboard.press(key)
        tops.add((await page.locator('.transport').boundingBox()).y)
      }
      assert.equal(tops.size, 1, `the transport of ${example} at ${width} x ${height} begins at ${[...tops].join(', ')}`)
      await look(page, ['1', '2', '3', '4', '5'], false, `${example}, ${width} x ${height}`)
    }
    // The lesson is folded away; what is asked for unfolds it, and it folds again.
    assert.equal(await page.locator('.panel').isVisible(), false)
    await page.locator('.network [data-node="1,1"]').click()
    await page.locator('.panel .inspector').waitFor()
    assert.deepEqual(await layoutFaults(page, false), [])
    await page.locator('.fold').click()
    assert.equal(await page.locator('.panel').isVisible(), false)
    // It is kept.
    await page.reload()
    await page.locator('main').waitFor()
    assert.equal(await page.locator('.ledger-pane').isVisible(), false)
    await page.getByRole('button', { name: 'View', exact: true }).click()
    await page.getByLabel('presenting').uncheck()
    await page.keyboard.press('Escape')
    assert.equal(await page.locator('.ledger-pane').isVisible(), true)
    assert.deepEqual(faults, [])
    await context.close()
  }
})

test('circles have numbers up to 12 wide, and matrices up to 16 x 16 are numbers that can be edited', async () => {
  const { document } = await documentOf(server, '3-4-2', [dense([12, 'tanh'], [16, 'sigmoid'], [16, 'relu'], [7, 'softmax'])])
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    const { page, context, faults } = await open(browser, server.address + hashOf(document, { position: 5 }), { viewport: { width, height } })
    await page.getByText('Step 5 of 24:').first().waitFor()
    // z(3) = W(3) a(2) + b(3): 16 x 16.
    assert.equal(await page.locator('.stage canvas').count(), 0)
    const grid = page.locator('.stage table[data-name="weight.3"]')
    assert.deepEqual([await grid.getAttribute('aria-rowcount'), await grid.getAttribute('aria-colcount')], ['16', '16'])
    // By the keys through all of it: row by row, each number is in the page and in sight of its box.
    await grid.locator('td[tabindex="0"]').focus()
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']) {
      for (let i = 0; i < 15; i += 1) await page.keyboard.press(key)
      const [cell, inSight] = await page.evaluate(() => {
        const [inner, outer] = [document.activeElement.getBoundingClientRect(), document.activeElement.closest('.box').getBoundingClientRect()]
        return [document.activeElement.dataset.cell, inner.left >= outer.left - 3 && inner.right <= outer.right + 3 && inner.top >= outer.top - 3 && inner.bottom <= outer.bottom + 3]
      })
      assert.equal(cell, { ArrowRight: 'weight.3[0,15]', ArrowDown: 'weight.3[15,15]', ArrowLeft: 'weight.3[15,0]', ArrowUp: 'weight.3[0,0]' }[key])
      assert.ok(inSight, `${cell} is in sight`)
    }
    await page.keyboard.press('Escape')
    const texts = await page.locator('.network [data-node^="1,"] text').allTextContents()
    assert.equal(texts.length, width > 900 ? 12 : texts.length)
    for (const text of texts) assert.match(text, /^−?\d/)
    const last = page.locator('.stage td[data-cell="weight.3[15,15]"]')
    await grid.evaluate((table) => table.closest('.box').scrollTo(9999, 9999))
    await last.dblclick()
    await page.locator('td input').fill('0.25')
    await page.keyboard.press('Enter')
    await page.locator('td[data-cell="weight.3[15,15]"].changed').waitFor()
    assert.match(await last.getAttribute('title'), /= 0\.25, before the edit/)
    assert.deepEqual(await layoutFaults(page, false), [])
    // What is scrolled out of sight is not in the page: it stays fast.
    const cells = await page.locator(':is(td[tabindex], button, [role="button"], [role="application"]):visible').count()
    assert.ok(cells <= 400, `${cells} interactive cells`)
    assert.deepEqual(faults, [])
    await context.close()
  }
})

test('no serious finding of axe while presenting, with many numbers, and in a low window', async () => {
  for (const viewport of [{ width: 1280, height: 720 }, { width: 960, height: 540 }]) {
    const { page, context } = await open(browser, server.address, { viewport, bypassCSP: true })
    await page.addScriptTag({ path: new URL('../node_modules/axe-core/axe.min.js', import.meta.url).pathname })
    await choose(page, 'digits')
    for (const key of ['1', 'p', '4', 'n', 'p']) {
      await page.keyboard.press(key)
      await page.waitForFunction(() => !document.querySelector('.stale') && !document.querySelector('.stage').textContent.includes('loading'))
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`), [], `after ${key}`)
    }
    await context.close()
  }
})
