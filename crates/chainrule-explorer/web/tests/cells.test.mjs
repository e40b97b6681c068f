// Numbers under the hand: the focus after a click, what a cell refuses, marks on pictures, and the scales of colours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose, documentOf, hashOf, open } from './browser.mjs'
import { browser, server } from './running.mjs'

const stepIs = (page, step) => page.getByText(`Step ${step} of`).first().waitFor({ timeout: 5000 })
const focusedCell = (page) => page.evaluate(() => document.activeElement.dataset?.cell ?? null)

test('after a click on a number, a picture or a neuron the arrows go on stepping', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 1)
  await page.locator('td[data-cell="weight.1[1,1]"]').click()
  await page.locator('td[data-cell="weight.1[1,1]"].selected').waitFor()
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 2)
  await page.locator('.network [data-node="1,1"]').click()
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 3)
  // A double click edits; when the field closes, the arrows are for the steps.
  await page.locator('td[data-cell="weight.2[0,1]"]').dblclick()
  await page.locator('td input').fill('0.5')
  await page.keyboard.press('Enter')
  await page.locator('td[data-cell="weight.2[0,1]"].changed').waitFor()
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 4)
  await choose(page, 'digits')
  await page.keyboard.press('3')
  await page.keyboard.press('4')
  await page.keyboard.press('ArrowLeft')
  await stepIs(page, 9)
  await page.locator('.stage td[data-cell="delta.1[2,3]"]').first().click()
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 10)
  assert.deepEqual(faults, [])
  await context.close()
})

test('with the keys the arrows move in a matrix, and Escape gives them back to the steps', async () => {
  const { page, context } = await open(browser, server.address)
  await page.keyboard.press('ArrowRight')
  await page.locator('td[data-cell="weight.1[0,0]"]').focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowDown')
  assert.equal(await focusedCell(page), 'weight.1[1,1]')
  await page.keyboard.press('Enter')
  await page.locator('td input').fill('0.125')
  await page.keyboard.press('Enter')
  await page.locator('td[data-cell="weight.1[1,1]"].changed').waitFor()
  assert.equal(await focusedCell(page), 'weight.1[1,1]')
  await page.keyboard.press('Escape')
  assert.equal(await focusedCell(page), null)
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 2)
  await page.keyboard.press('?')
  await page.locator('dialog').getByText('the arrows are for the steps').waitFor()
  await context.close()
})

test('a button that has nothing more to do keeps the focus', async () => {
  const { page, context } = await open(browser, server.address)
  const isFocused = (name) => page.getByRole('button', { name, exact: true }).evaluate((button) => document.activeElement === button)
  for (const [name, step] of [['Last', 12], ['First', 1], ['Next phase', 4]]) {
    await page.getByRole('button', { name, exact: true }).focus()
    await page.keyboard.press('Enter')
    if (name === 'First') await page.getByText('Before step 1').first().waitFor()
    else await stepIs(page, step)
    assert.ok(await isFocused(name), name)
  }
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.getByRole('button', { name: 'Undo' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('iteration 0').first().waitFor()
  assert.ok(await isFocused('Undo'))
  assert.equal(await page.getByRole('button', { name: 'Undo' }).getAttribute('aria-disabled'), 'true')
  await page.keyboard.press('Enter')
  await page.waitForTimeout(100)
  assert.match(await page.locator('.history .where').textContent(), /iteration 0/)
  await context.close()
})

test('N takes as many iterations as are chosen', async () => {
  const { page, context } = await open(browser, server.address)
  await page.getByLabel('Iterations at a time').selectOption('10')
  await page.keyboard.press('n')
  await page.getByText('iteration 10').first().waitFor()
  await page.keyboard.press('p')
  await page.keyboard.press('n')
  await page.getByText('iteration 20').first().waitFor()
  await context.close()
})

test('what a cell refuses, and why, stands in words at the cell or names it', async () => {
  const { document } = await documentOf(server, 'xor', [])
  const { page, context, faults } = await open(browser, server.address + hashOf(document, { position: 1 }))
  const cell = page.locator('td[data-cell="weight.1[0,0]"]')
  const before = await cell.getAttribute('title')
  await cell.focus()
  for (const [text, words] of [['abc', 'not a number'], ['1,000', 'write 1000 or 1.000'], ['', 'there is no number']]) {
    await page.keyboard.press('Enter')
    await page.locator('td input').fill(text)
    await page.keyboard.press('Enter')
    await cell.getByText(words).waitFor()
    assert.ok(await cell.getByText(words).isVisible())
    await page.keyboard.press('Escape')
  }
  assert.equal(await cell.getAttribute('title'), before)
  // Leaving the field is no way to lose a number without a word.
  await page.keyboard.press('Enter')
  await page.locator('td input').fill('a lot')
  await page.keyboard.press('Tab')
  await page.locator('.banner').getByText('W(1)[1, 1]').waitFor()
  assert.match(await page.locator('.banner').textContent(), /“a lot” is not taken \(not a number\)/)
  // The engine's no: a target that its loss cannot have.
  for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Escape')
  await page.keyboard.press('2')
  await page.locator('td[data-cell="target[0,0]"]').focus()
  await page.keyboard.press('Enter')
  await page.locator('td input').fill('7')
  await page.keyboard.press('Enter')
  await page.locator('.banner').getByText('y[1], sample 1: 7.000 is not taken').waitFor()
  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), [])
  await context.close()
})

test('pictures mark what an edit changed, and nothing else', async () => {
  const { page, context } = await open(browser, server.address)
  await choose(page, 'digits')
  await page.keyboard.press('ArrowRight')
  await stepIs(page, 1)
  assert.equal(await page.locator('canvas.marks').count(), 0)
  // An iteration changes weights, not the images.
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.locator('.stage [data-name="weight.1"] canvas.marks').first().waitFor()
  const tile = page.locator('.stage [data-name="weight.1"] button').first()
  assert.match(await tile.getAttribute('aria-label'), /\d+ of 64 changed/)
  assert.equal(await page.locator('.stage [data-name="a.0"] canvas.marks').count(), 0)
  // Dots where numbers changed: as many cells with ink as the label says.
  const [inked, said] = await tile.evaluate((button) => {
    const canvas = button.querySelector('canvas.marks')
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    let cells = 0
    for (let y = 0; y < 8; y += 1) for (let x = 0; x < 8; x += 1) {
      const [column, row] = [Math.floor(((x + 0.5) * canvas.width) / 8), Math.floor(((y + 0.5) * canvas.height) / 8)]
      if (pixels[4 * (row * canvas.width + column) + 3] > 0) cells += 1
    }
    return [cells, Number(button.getAttribute('aria-label').match(/(\d+) of 64/)[1])]
  })
  assert.equal(inked, said)
  assert.ok(said > 0 && said < 64, `${said} of 64`)
  await context.close()
})

test('slopes are coloured by 1, error signals by the largest of all layers, and the legend says so', async () => {
  const { page, context } = await open(browser, server.address)
  await choose(page, 'deep-10')
  await page.keyboard.press('3')
  await page.locator('td[data-cell="slope.1[0,0]"]').waitFor()
  const strengthOf = (cell) => page.locator(`td[data-cell="${cell}"]`).first().evaluate((td) => parseFloat(td.style.getPropertyValue('--strength')))
  const numberOf = async (cell) => Math.abs(Number((await page.locator(`td[data-cell="${cell}"]`).first().getAttribute('title')).match(/= (\S+?)(,|$)/)[1].replace('−', '-')))
  // A fill is at most 55 %, by the square root.
  const fill = (number, scale) => 55 * Math.sqrt(number / scale)
  const near = (actual, expected) => Math.abs(actual - expected) < 0.2
  assert.ok(near(await strengthOf('slope.1[0,0]'), fill(await numberOf('slope.1[0,0]'), 1)), 'σ′ by 1')
  assert.ok((await strengthOf('delta.1[0,0]')) < 1, 'δ(1), ten layers from the loss, is faint')
  const legend = page.locator('.legend')
  assert.match(await legend.textContent(), /δ, e by the largest of all layers so far; σ′ by 1/)
  const relativeTo = async (value) => {
    await page.getByRole('button', { name: 'View', exact: true }).click()
    await page.getByLabel('Colours relative to').selectOption(value)
    await page.keyboard.press('Escape')
  }
  await relativeTo('tensor')
  assert.ok((await strengthOf('delta.1[0,0]')) > 5, 'δ(1) by its own largest')
  assert.ok(near(await strengthOf('slope.1[0,0]'), fill(await numberOf('slope.1[0,0]'), 1)), 'σ′ by 1 in any case')
  assert.match(await legend.textContent(), /each matrix by its largest; σ′ by 1/)
  await relativeTo('kind')
  assert.match(await legend.textContent(), /each kind by its largest so far; σ′ by 1/)
  await relativeTo('global')
  assert.match(await legend.textContent(), /all by the largest so far; σ′ by 1/)
  await context.close()
})
