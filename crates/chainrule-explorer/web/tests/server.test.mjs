// What only a page of a running program does: the program ends, and nothing is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, open, served } from './browser.mjs'
import { allNumbers, numbersOnStage } from './numbers.mjs'

test('a program that ends: a banner, and nothing is lost', async () => {
  const [browser, own, server] = [await launch(), await served(), await served()]
  const { page } = await open(browser, own.address)
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowRight')
  await page.waitForTimeout(400)
  await own.stop()
  await page.keyboard.press('n')
  await page.getByText('has ended').first().waitFor()
  await page.locator('.stage td[data-cell]').first().waitFor()
  await page.keyboard.press('ArrowRight')
  await page.getByText('Step 4 of').first().waitFor()
  assert.ok((await numbersOnStage(page)).every(({ text }) => text !== '·'))
  const numbers = await allNumbers(page, 12)
  // The link of what is there opens in another launch of the program, with the edits.
  await page.getByRole('button', { name: 'Share' }).click()
  await page.waitForFunction(() => document.querySelector('dialog input[readonly]')?.value.includes('#v1.'))
  const link = await page.getByLabel('Link', { exact: true }).inputValue()
  const again = await open(browser, server.address + link.slice(link.indexOf('#')))
  await again.page.getByText('Step 12 of 12:').first().waitFor()
  await again.page.locator('body').click({ position: { x: 5, y: 5 } })
  assert.deepEqual(await allNumbers(again.page, 12), numbers)
  await browser.close()
  await server.stop()
})

const where = (page, text) => page.waitForFunction((text) => document.querySelector('.history .where').textContent.includes(text), text)
const iterate = async (page, count) => {
  for (let i = 1; i <= count; i += 1) {
    await page.keyboard.press('n')
    await where(page, `iteration ${i}`)
  }
}
/** A test on pages of programs of its own, which end with it however it ends. */
const onPrograms = (name, count, body) =>
  test(name, async () => {
    const browser = await launch()
    const programs = await Promise.all(Array.from({ length: count }, () => served()))
    try {
      await body(browser, ...programs)
    } finally {
      await browser.close()
      await Promise.all(programs.map((program) => program.stop()))
    }
  })
const exactOf = (title) => title.match(/= (\S+?)(,|$)/)?.[1]
/** The number of the chosen cell in its grid, and in its formula if that is there. */
const chosen = (page) =>
  page.evaluate(() => ({
    grid: document.querySelector('.stage td.selected')?.title,
    formula: document.querySelector('.stage footer .explained strong .number')?.title,
  }))

onPrograms('the formula under the stage is never that of another revision', 1, async (browser, own) => {
  const { page } = await open(browser, own.address)
  for (let i = 0; i < 9; i += 1) await page.keyboard.press('ArrowRight')
  await page.locator('.stage footer .explained').waitFor()
  let slow = true
  await page.route('**/explain?*', async (route) => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 400))
    await route.continue().catch(() => {})
  })
  await iterate(page, 1)
  assert.equal(await page.locator('.stage footer .explained').count(), 0, 'no formula before its answer')
  await page.locator('.stage footer .explained').waitFor()
  const first = await chosen(page)
  assert.equal(exactOf(first.grid), first.formula)
  slow = false
  await page.keyboard.press('n')
  await page.getByText('iteration 2').first().waitFor()
  await page.locator('.stage footer .explained').waitFor()
  const second = await chosen(page)
  assert.equal(exactOf(second.grid), second.formula)
  assert.notEqual(second.formula, first.formula)
  await own.stop()
  await page.keyboard.press('Control+z')
  await where(page, 'iteration 1')
  // It was asked for before, so it is there; a number that was not is said to have no answer.
  const back = await chosen(page)
  assert.equal(exactOf(back.grid), first.formula)
  assert.equal(back.formula, first.formula)
  await page.keyboard.press('ArrowRight')
  await page.locator('.stage footer').getByText('has ended').waitFor()
  assert.equal(await page.locator('.stage footer .explained').count(), 0)
})

onPrograms('a link can be made of a revision that Undo leads to, also when the program has ended', 2, async (browser, own, server) => {
  const { page } = await open(browser, own.address)
  await iterate(page, 3)
  await page.waitForTimeout(400)
  await own.stop()
  await page.keyboard.press('Control+z')
  await where(page, 'iteration 2')
  await page.getByRole('button', { name: 'Share' }).click()
  await page.waitForFunction(() => document.querySelector('dialog input[readonly]')?.value.includes('#v1.'))
  const link = await page.getByLabel('Link', { exact: true }).inputValue()
  const again = await open(browser, server.address + link.slice(link.indexOf('#')))
  await again.page.getByText('iteration 2').first().waitFor()
})

onPrograms('numbers that agree only when they are rounded are shown rounded', 1, async (browser, own) => {
  const { page } = await open(browser, `${own.address}#step=1&select=weight.1[0,0]&tab=check`)
  await page.locator('.transport').getByRole('button', { name: 'Last' }).click()
  await page.route('**/check/cell', async (route) => {
    const answer = await (await route.fetch()).json()
    await route.fulfill({ json: { ...answer, backpropagated: 0.0999999, numerical: 0.1000001, digits: 5 } })
  })
  await page.getByRole('button', { name: /^Check W/ }).click()
  await page.getByText('No leading digit is the same; rounded to 5 digits, both are 1.0000e−1.').waitFor()
  assert.deepEqual(await page.locator('.check mark').allTextContents(), ['', ''])
})

onPrograms('what cannot be read is told without types', 1, async (browser, own) => {
  const { page } = await open(browser, own.address)
  await page.getByRole('button', { name: 'Network…' }).click()
  await page.getByLabel('Seed').fill('1e30')
  await page.keyboard.press('Enter')
  await page.locator('dialog').getByText('1e30 stands where a whole number that is not negative is expected').waitFor()
})
