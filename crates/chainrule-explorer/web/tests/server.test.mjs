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
