// Pictures of every phase in three sizes and two themes, for looking at: node tests/screenshots.mjs DIRECTORY, with CHAINRULE set.
// Those of docs/ are among them.
import { mkdirSync } from 'node:fs'
import { launch, open, start } from './browser.mjs'

const [directory = 'screenshots'] = process.argv.slice(2)
mkdirSync(directory, { recursive: true })
const sizes = { '1280x800': { width: 1280, height: 800 }, '1920x1080': { width: 1920, height: 1080 }, '390x844': { width: 390, height: 844 } }
const phases = { 0: 'start', 1: 'forward', 2: 'output-error', 3: 'backward', 4: 'gradients', 5: 'update' }

const [server, browser] = [await start(), await launch()]
for (const example of ['3-4-2', 'digits']) {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark']) {
      const { page, context } = await open(browser, server.address, { viewport, colorScheme })
      await page.getByLabel('Example').selectOption(example)
      await page.locator('.stage .start').waitFor()
      await page.locator('body').click({ position: { x: 3, y: 3 } })
      for (const [key, phase] of Object.entries(phases)) {
        if (key !== '0') await page.keyboard.press(key)
        await page.waitForTimeout(150)
        await page.screenshot({ path: `${directory}/${example}-${phase}-${size}-${colorScheme}.png` })
      }
      for (const tab of ['Inspector', 'Check']) {
        await page.getByRole('tab', { name: tab }).click()
        if (tab === 'Inspector') await page.locator('.network [data-node="1,1"]').click()
        else await page.getByRole('button', { name: 'Check all' }).click()
        await page.waitForTimeout(400)
        await page.screenshot({ path: `${directory}/${example}-${tab.toLowerCase()}-${size}-${colorScheme}.png` })
      }
      if (example === '3-4-2') {
        const view = async (name) => {
          await page.waitForTimeout(600)
          await page.screenshot({ path: `${directory}/${name}-${size}-${colorScheme}.png` })
        }
        await page.getByRole('tab', { name: 'Quiz' }).click()
        await view('quiz')
        await page.getByRole('button', { name: 'Sabotage' }).click()
        await view('sabotage')
        for (const dialog of ['Film', 'Take away', 'Share']) {
          await page.getByRole('button', { name: dialog, exact: true }).click()
          await view(dialog.toLowerCase().replace(' ', '-'))
          await page.keyboard.press('Escape')
        }
        await page.locator('body').click({ position: { x: 3, y: 3 } })
        await page.getByRole('tab', { name: 'Lesson' }).click()
        await page.locator('body').click({ position: { x: 3, y: 3 } })
        await page.keyboard.press('p')
        await view('presenting')
      }
      await context.close()
    }
  }
}
await browser.close()
await server.stop()
