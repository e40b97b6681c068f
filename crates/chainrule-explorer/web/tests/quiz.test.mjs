// The quiz in a real Chromium: right answers and mistakes, the score, practice, a quiz by its number, predictions, sabotage; by keyboard and for
// screen readers.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { documentOf, hashOf, open } from './browser.mjs'
import { browser, server } from './running.mjs'

const AXE = new URL('../node_modules/axe-core/axe.min.js', import.meta.url).pathname
const EXAMPLE = '3-4-2'

/** The quiz of a number on an example, with the right answer and those of mistakes, as the program and the test's own sums know them. */
async function answersOf(seed, count = 10) {
  const view = await server.api('documents', { example: EXAMPLE })
  const { questions } = await server.api(`revisions/${view.revision}/quiz?seed=${seed}&count=${count}`)
  const judge = (number, answer) => server.api(`revisions/${view.revision}/quiz/answer`, { seed, phase: null, concepts: null, number, answer })
  const at = (name, { row, column }) => {
    const { values, shape } = view.values.find((value) => value.name === name)
    return values[row * shape.at(-1) + column]
  }
  const [widths, samples] = [view.widths, view.samples]
  /** [right, a mistake, its name] */
  const numbers = ({ kind, cell }) => {
    const l = Number(cell.name.split('.')[1])
    const right = kind === 'parameter_count' ? widths[l] * widths[l - 1] + widths[l] : at(cell.name, cell)
    switch (kind) {
      case 'parameter_count': return [right, widths[l] * widths[l - 1], 'the bias left out']
      case 'activation_number': return [right, at(`z.${l}`, cell), 'σ left out']
      case 'softmax_number': return [right, Math.exp(at(`z.${l}`, cell)), 'exp(z) without the division']
      case 'slope_number': return [right, at(`a.${l}`, cell), 'a in place of σ′']
      case 'delta_number': return [right, at(`error.${l}`, cell), 'no σ′']
      case 'sum_number': return [right, right - at(`bias.${l}`, { row: 0, column: cell.column }), 'the bias left out']
      case 'updated_weight_number': return [right, 2 * at(`weight.${l}`, cell) - right, 'uphill in place of downhill']
      case 'updated_bias_number': return [right, 2 * at(`bias.${l}`, cell) - right, 'uphill in place of downhill']
      default: return [right, -right, 'the wrong sign']
    }
  }
  const shapes = ({ kind, cell }) => {
    const l = Number(cell.name.split('.')[1])
    const right = /weight_shape|gradient_shape/.test(kind) ? [widths[l], widths[l - 1]] : kind === 'transpose_shape' ? [widths[l], widths[l + 1]] : [widths[l], samples]
    return [right, [...right].reverse()]
  }
  return Promise.all(questions.map(async (question) => {
    const { number, form } = question
    if (form.kind === 'choices') {
      const verdicts = await Promise.all(form.choices.map((_, choice) => judge(number, { choice })))
      assert.equal(verdicts.filter(({ right }) => right).length, 1, question.prompt)
      const wrong = verdicts.findIndex(({ right }) => !right)
      return { question, right: verdicts.findIndex(({ right }) => right), wrong, name: verdicts[wrong].name, verdicts }
    }
    const [right, wrong, name] = form.kind === 'number' ? numbers(question) : shapes(question)
    return { question, right, wrong, name }
  }))
}

async function give(page, { question }, answer) {
  const form = page.locator('.quiz form').first()
  if (question.form.kind === 'choices') await form.getByRole('radio').nth(answer).check()
  else if (question.form.kind === 'number') await form.getByLabel('Your number').fill(String(Number(answer.toPrecision(4))))
  else {
    await form.getByLabel('rows').fill(String(answer[0]))
    await form.getByLabel('columns').fill(String(answer[1]))
  }
  await form.getByRole('button', { name: 'Answer' }).click()
  await page.getByRole('region', { name: 'Verdict' }).waitFor()
}

const placeOf = ({ name, row, column }) => `${name}[${row},${column}]`
const next = (page) => page.getByRole('button', { name: /Next question|To the end/ }).click()
const openQuiz = async (seed, options) => {
  const opened = await open(browser, `${server.address}#quiz=${seed}`, options)
  await opened.page.locator('.quiz .prompt').waitFor()
  return opened
}
const verdict = (page) => page.getByRole('region', { name: 'Verdict' })

async function noSeriousFindings(page, what) {
  await page.addScriptTag({ path: AXE }).catch(() => page.evaluate(readFileSync(AXE, 'utf8')))
  const { violations } = await page.evaluate(() => globalThis.axe.run(document.querySelector('.rail')))
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
  assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`), [], what)
}

test('the first three questions are about the transpose, and right answers are told as right', async () => {
  const { page, context, faults } = await openQuiz(7)
  const answers = await answersOf(7)
  assert.match(await page.locator('.quiz .prompt').innerText(), /Where does the transpose .* come from\?/)
  for (const [index, one] of answers.entries()) {
    assert.equal(await page.locator('.quiz .title .soft').innerText().then((text) => text.split(' · ')[0]), `Question ${index + 1} of 10`)
    if (index === 1) assert.match(await page.locator('.quiz .prompt').innerText(), /what does the transpose W\(l\+1\)T do\?/)
    // No number is on the screen before it is computed: the cell's value is not known when it is asked for.
    if (one.question.form.kind === 'number' && one.question.kind !== 'parameter_count') {
      const shown = await page.locator(`[data-cell="${placeOf(one.question.cell)}"]`).allInnerTexts()
      assert.ok(shown.every((text) => text === '·'), `${one.question.kind}: ${shown}`)
      assert.ok((await page.locator('.quiz dd').allInnerTexts()).every((text) => text !== '·'), 'what the answer is made of is known')
    }
    await give(page, one, one.right)
    assert.match(await verdict(page).innerText(), /^✓\s*Right/, one.question.prompt)
    assert.ok(await page.evaluate(() => document.activeElement.closest('section')?.getAttribute('aria-label') === 'Verdict'), 'reading goes on at the verdict')
    await next(page)
  }
  await page.getByText('10 of 10 right').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Practise what went wrong' }).count(), 0)
  assert.deepEqual(faults, [])
  await context.close()
})

test('mistakes are called by their names, shown, explained by a paragraph, scored and practised', async () => {
  const { page, context, faults } = await openQuiz(11)
  const answers = await answersOf(11)
  const names = new Set()
  const wrong = new Set()
  for (const one of answers) {
    await give(page, one, one.wrong)
    const text = await verdict(page).innerText()
    assert.match(text, /✗/, text)
    if (one.name) {
      names.add(one.name)
      assert.ok(text.includes(`A classic mistake: ${one.name.replace("sigma'", 'σ′').replace('W^T', 'Wᵀ').replace(/ x /g, '×').replace(' - ', ' − ').replace('l-1', 'l−1')}`), `${one.question.kind}: ${text}`)
    } else assert.match(text, /A classic mistake/)
    wrong.add(one.question.concept)
    // The cell is on the stage, and known there.
    await page.getByRole('button', { name: 'Show on the stage' }).click()
    const isGiven = one.question.event === null
    if (!isGiven) await page.waitForFunction((cell) => /\d/.test(document.querySelector(`.stage [data-cell="${cell}"]`)?.textContent ?? ''), placeOf(one.question.cell))
    await page.getByRole('button', { name: 'Read the paragraph' }).click()
    await page.waitForFunction(() => document.activeElement.id.startsWith('passage-'))
    await page.getByRole('tab', { name: 'Quiz' }).click()
    await verdict(page).waitFor()
    await next(page)
  }
  assert.ok(names.size >= 5, [...names].join())
  await page.getByText('0 of 10 right').waitFor()
  await page.getByRole('heading', { name: 'Score: 0 of 10' }).waitFor()
  const lines = await page.locator('.quiz tbody tr').count()
  assert.equal(lines, wrong.size)
  await page.getByRole('button', { name: 'Practise what went wrong' }).click()
  await page.getByRole('heading', { name: 'Practice' }).waitFor()
  await page.getByText('Question 1 of 5').waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('every paragraph that a mistake or a question points at is in its chapter', async () => {
  const FILES = { forward: 'Forward', output_error: 'OutputError', backward: 'Backward', gradients: 'Gradients', update: 'Update', transpose: 'Transpose' }
  const pointed = new Map()
  for (const seed of [1, 2, 3]) {
    for (const { verdicts } of await answersOf(seed, 60)) for (const { paragraph } of verdicts ?? []) pointed.set(`${paragraph.chapter} ${paragraph.passage}`, paragraph)
  }
  const { mistakes } = await server.api('catalog')
  for (const { id } of mistakes) {
    const { paragraph } = await server.api(`revisions/1/sabotage?mistake=${id}&iterations=1`)
    pointed.set(`${paragraph.chapter} ${paragraph.passage}`, paragraph)
  }
  assert.ok(pointed.size >= 8)
  for (const { chapter, passage } of pointed.values()) {
    const text = readFileSync(new URL(`../src/lesson/${FILES[chapter]}.svelte`, import.meta.url), 'utf8')
    assert.ok(text.includes(`<Passage id="${passage}"`), `${chapter}: ${passage}`)
  }
})

test('a number in the link gives the same quiz, also within a share link', async () => {
  const prompts = async (page) => {
    const list = []
    for (let i = 0; i < 4; i += 1) {
      list.push(await page.locator('.quiz .prompt').innerText())
      const form = page.locator('.quiz form').first()
      if (await form.getByRole('radio').count()) await form.getByRole('radio').first().check()
      else for (const field of await form.getByRole('textbox').all()) await field.fill('1')
      await form.getByRole('button', { name: 'Answer' }).click()
      await next(page)
    }
    return list
  }
  const [one, other, shared] = [await openQuiz(42), await openQuiz(42), await openQuiz(42)]
  await shared.page.getByRole('button', { name: 'Share' }).click()
  await shared.page.waitForFunction(() => document.querySelector('dialog input[readonly]')?.value.includes('#v1.'))
  const link = await shared.page.getByLabel('Link', { exact: true }).inputValue()
  const opened = await open(browser, server.address + link.slice(link.indexOf('#')))
  await opened.page.locator('.quiz .prompt').waitFor()
  const [first, ...rest] = [await prompts(one.page), await prompts(other.page), await prompts(opened.page)]
  for (const list of rest) assert.deepEqual(list, first)
  const different = await openQuiz(43)
  assert.notDeepEqual(await prompts(different.page), first)
  // The number can be typed as well.
  await different.page.getByLabel('number', { exact: true }).fill('42')
  await different.page.getByRole('button', { name: 'Start' }).click()
  await different.page.getByText('Question 1 of 10').waitFor()
  assert.deepEqual(await prompts(different.page), first)
  for (const { context, faults } of [one, other, shared, opened, different]) {
    assert.deepEqual(faults, [])
    await context.close()
  }
})

test('questions follow the network: an edit asks before they change, another example begins anew', async () => {
  const { page, context, faults } = await openQuiz(7)
  const [first] = await answersOf(7, 1)
  // Nothing is answered yet: the questions are about the network as it is.
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.getByText('Question 1 of 10').waitFor()
  assert.equal(await page.getByText('The network has changed').count(), 0)
  await give(page, first, first.right)
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('The network has changed since these questions were asked.').waitFor()
  await page.getByRole('button', { name: 'Ask about the network as it is' }).click()
  await page.getByText('Question 1 of 10').waitFor()
  await page.getByLabel('Example').selectOption('mazur')
  await page.locator('.quiz .prompt').waitFor()
  for (let i = 0; i < 2; i += 1) {
    await page.locator('.quiz form').first().getByRole('radio').first().check()
    await page.locator('.quiz form').first().getByRole('button', { name: 'Answer' }).click()
    await next(page)
  }
  await page.getByText('In this network W(2) is 2×2. Can shapes tell').waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('predict first: play stops before each phase, asks one question, and goes on', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.getByLabel('predict first').first().check()
  await page.getByLabel('speed').selectOption('4')
  await page.getByRole('button', { name: 'Play' }).click()
  for (const position of [0, 4, 6, 8, 10]) {
    await page.getByRole('heading', { name: 'Predict first' }).waitFor()
    await page.waitForFunction((position) => document.querySelector('.timeline input').value === String(position), position)
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor()
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains('prompt')), 'reading goes on at the question')
    assert.ok((await page.locator('.quiz dd').allInnerTexts()).every((text) => text !== '·'), 'it can be told from what is known')
    const form = page.locator('.quiz form').first()
    if (await form.getByRole('radio').count()) await form.getByRole('radio').first().check()
    else for (const field of await form.getByRole('textbox').all()) await field.fill('0.5')
    if (await form.getByLabel('rows').count()) for (const field of await form.getByRole('textbox').all()) await field.fill('2')
    await form.getByRole('button', { name: 'Answer' }).click()
    await page.getByRole('button', { name: 'Go on playing' }).click()
  }
  await page.getByText('Step 12 of 12:').first().waitFor()
  assert.equal(await page.getByRole('heading', { name: 'Predict first' }).count(), 0)
  assert.deepEqual(faults, [])
  await context.close()
})

test('a prediction goes away when the learner steps on, and the next one is about the next phase', async () => {
  const { page, context, faults } = await open(browser, server.address)
  await page.getByLabel('predict first').first().check()
  await page.getByLabel('speed').selectOption('4')
  const heading = page.getByRole('heading', { name: 'Predict first' })
  for (const position of [0, 4, 6]) {
    await page.getByRole('button', { name: 'Play' }).click()
    await heading.waitFor()
    assert.equal(await page.locator('.timeline input').inputValue(), String(position))
    const place = /Step (\d+) computes it; the cursor stands before it/.exec(await page.locator('.quiz').innerText())?.[1]
    assert.ok(place === undefined || place === String(position + 1), place)
    await page.getByRole('button', { name: /^Next/ }).first().click()
    await heading.waitFor({ state: 'detached' })
    assert.equal(await page.locator('.timeline input').inputValue(), String(position + 1), 'no other question moves the cursor')
  }
  assert.deepEqual(faults, [])
  await context.close()
})

test('a wrong number is told the right one, and a link that names no quiz says so', async () => {
  const { page, context, faults } = await openQuiz(7)
  for (const one of await answersOf(7)) {
    await give(page, one, one.question.form.kind === 'number' ? 1e6 : one.right)
    if (one.question.form.kind === 'number') {
      const told = /Right is (\S+)\.\s/.exec(await verdict(page).innerText())[1].replaceAll('−', '-')
      assert.ok(Math.abs(Number(told) - one.right) <= 1e-3 * Math.abs(one.right), `${told}, ${one.right}`)
    }
    await next(page)
  }
  assert.deepEqual(faults, [])
  await context.close()
  for (const number of ['abc', '9007199254740993', '-1', '1.5']) {
    const opened = await openQuiz(number)
    await opened.page.getByText(/The link names no quiz:.*Quiz number \d+ is asked instead/).waitFor()
    await opened.page.getByRole('button', { name: 'Draw another' }).click()
    await opened.page.getByText('The link names no quiz').waitFor({ state: 'detached' })
    assert.deepEqual(opened.faults, [])
    await opened.context.close()
  }
})

test('sabotage is red where it should be, green elsewhere, and says what shapes tell', async () => {
  const sabotaged = async (page, mistake) => {
    await page.getByRole('tab', { name: 'Quiz' }).click()
    await page.getByRole('button', { name: 'Sabotage', exact: true }).click()
    await page.getByLabel('mistake').selectOption(mistake)
    await page.getByRole('button', { name: 'Sabotage this step' }).click()
    await page.waitForFunction(() => document.activeElement.closest('section')?.getAttribute('aria-label') === 'Sabotaged step')
    const wait = page.getByRole('button', { name: /computed in step/ })
    if (await wait.count()) {
      // What is to come is not told.
      assert.equal(await page.getByRole('region', { name: 'Sabotaged step' }).getByText(/The loss (falls|rises)/).count(), 0)
      await wait.focus()
      await page.keyboard.press('Enter')
      await wait.waitFor({ state: 'detached' })
      await page.waitForFunction(() => document.activeElement.closest('section')?.getAttribute('aria-label') === 'Sabotaged step')
    }
    return page.getByRole('region', { name: 'Sabotaged step' })
  }
  const pictures = (region) => region.getByRole('img').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')).filter((label) => !label.startsWith('Loss')))
  const { page, context, faults } = await open(browser, server.address)
  let region = await sabotaged(page, 'no_slope')
  assert.deepEqual(await pictures(region), ['dW(1), 4 by 3: all differ', 'db(1), 4 by 1: all differ', 'dW(2), 2 by 4: all agree', 'db(2), 2 by 1: all agree'])
  await region.getByText('differences of the loss find exactly those').waitFor()
  await region.getByRole('heading', { name: /The loss falls all the same/ }).waitFor()
  assert.equal(await region.locator('polyline').count(), 2)
  region = await sabotaged(page, 'sum_for_mean')
  await region.getByText('Here the mistake changes nothing').waitFor()
  await region.getByText('The batch has one sample').waitFor()
  assert.equal(await region.getByText('Only the numbers tell').count(), 0)
  assert.ok((await pictures(region)).every((label) => label.endsWith('all agree')))
  region = await sabotaged(page, 'not_transposed')
  await region.getByText('W(2) is 2×4, and δ(2) has 2 rows').waitFor()
  assert.equal((await pictures(region)).length, 0)
  region = await sabotaged(page, 'wrong_sign')
  await region.getByRole('heading', { name: /The loss rises/ }).waitFor()
  assert.ok((await pictures(region)).every((label) => label.endsWith('all differ')))
  await context.close()
  // On a square W shapes cannot tell; without a bend there is no slope to forget.
  const { document } = await documentOf(server, 'mazur', [])
  const square = await open(browser, server.address + hashOf(document))
  region = await sabotaged(square.page, 'not_transposed')
  await region.getByText('W(2) is 2×2: W and Wᵀ have the same shape').waitFor()
  assert.match((await pictures(region)).join(), /dW\(1\), 2 by 2: all differ.*dW\(2\), 2 by 2: all agree/)
  await square.context.close()
  const layers = { kind: 'layers', layers: [{ width: 4, activation: 'identity', bias: true }, { width: 2, activation: 'softmax', bias: true }] }
  const linear = await open(browser, server.address + hashOf((await documentOf(server, '3-4-2', [layers])).document))
  region = await sabotaged(linear.page, 'no_slope')
  assert.ok((await pictures(region)).every((label) => label.endsWith('all agree')))
  assert.deepEqual([...faults, ...square.faults, ...linear.faults], [])
  await linear.context.close()
})

test('by keyboard alone: from the tab to a verdict, the lesson and the next question', async () => {
  const { page, context, faults } = await openQuiz(7)
  const answers = await answersOf(7, 3)
  await page.keyboard.press('Tab')
  const tabTo = async (wanted, most = 60) => {
    for (let i = 0; i < most; i += 1) {
      if (await page.evaluate(wanted)) return
      await page.keyboard.press('Tab')
    }
    assert.fail(`no way to ${wanted}`)
  }
  await tabTo(() => document.activeElement.id === 'tab-quiz')
  await tabTo(() => document.activeElement.type === 'radio')
  await page.keyboard.press('Space')
  for (let i = 0; i < answers[0].right; i += 1) await page.keyboard.press('ArrowDown')
  assert.equal(await page.locator('.timeline input').inputValue(), '0', 'the arrows choose an answer and take no step')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /Right/ }).waitFor()
  await tabTo(() => document.activeElement.textContent === 'Next question', 10)
  await page.keyboard.press('Enter')
  await page.getByText('Question 2 of 10').waitFor()
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains('prompt')))
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await tabTo(() => document.activeElement.textContent === 'Answer', 5)
  await page.keyboard.press('Enter')
  await page.getByText('Choose one of the answers.').waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('axe finds nothing serious, on a desk and on a phone, in light and dark', async () => {
  for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'dark', viewport: { width: 390, height: 844 } }]) {
    const { page, context, faults } = await openQuiz(7, { ...options, bypassCSP: true })
    const answers = await answersOf(7, 6)
    for (const [index, one] of answers.entries()) {
      await noSeriousFindings(page, `question ${index + 1}`)
      await give(page, one, index % 2 ? one.right : one.wrong)
      await noSeriousFindings(page, `verdict ${index + 1}`)
      await next(page)
    }
    await page.getByRole('button', { name: 'Sabotage', exact: true }).click()
    await page.getByRole('button', { name: 'Sabotage this step' }).click()
    await page.getByRole('region', { name: 'Sabotaged step' }).waitFor()
    const wait = page.getByRole('button', { name: /computed in step/ })
    if (await wait.count()) await wait.click()
    await noSeriousFindings(page, 'sabotage')
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing sticks out to the side')
    assert.deepEqual(faults, [])
    await context.close()
  }
})
