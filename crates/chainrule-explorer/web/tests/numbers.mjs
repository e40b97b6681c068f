// Reads the numbers of the stage, and compares them.
import assert from 'node:assert/strict'

export const readNumber = (text) => Number(text.replaceAll('−', '-').replace('∞', 'Infinity'))

/** Every number in the grids of the stage: its cell, what is written, and all its digits. */
export const numbersOnStage = (page) =>
  page.locator('.stage td[data-cell]').evaluateAll((cells) =>
    cells.map((cell) => ({ cell: cell.dataset.cell, text: cell.textContent.trim(), exact: cell.title.match(/= (\S+?)(,|$)/)?.[1] ?? null })),
  )

export function assertNear(actual, expected, tolerance, what) {
  const scale = Math.max(Math.abs(expected), 1e-12)
  assert.ok(Math.abs(actual - expected) <= tolerance * scale, `${what}: ${actual} on the screen, ${expected} by the oracle`)
}

/** All numbers of the page's trace, through the stage, step by step. */
export async function allNumbers(page, total) {
  const numbers = new Map()
  await page.keyboard.press('Home')
  for (let position = 1; position <= total; position += 1) {
    await page.keyboard.press('ArrowRight')
    await page.getByText(`Step ${position} of ${total}:`).first().waitFor()
    for (const { cell, exact } of await numbersOnStage(page)) numbers.set(cell, exact)
  }
  return numbers
}
