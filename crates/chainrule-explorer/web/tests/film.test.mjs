// The film on the page: it plays, stands still where that is preferred, and is taken away as a video that plays elsewhere.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { open } from './browser.mjs'
import { browser, server } from './running.mjs'

/** The dialog with the film; `seconds` cuts it short, so that a video of it is soon made. */
async function openFilm(options = {}, seconds = null) {
  const context = { acceptDownloads: true, ...options }
  const opened = await open(browser, server.address, context)
  const { page } = opened
  if (seconds) {
    await page.evaluate((seconds) => {
      const parse = JSON.parse
      JSON.parse = (text, ...more) => {
        const value = parse(text, ...more)
        return value?.web_vtt ? { ...value, duration: seconds } : value
      }
    }, seconds)
  }
  await page.getByRole('button', { name: 'Film', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('.picture svg').waitFor()
  return { ...opened, dialog }
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}

/** How many pictures are shown in so many milliseconds of playing. */
async function picturesWhilePlaying({ page, dialog }, milliseconds) {
  await dialog.getByRole('button', { name: 'Play' }).click()
  const seen = new Set()
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    seen.add(await dialog.locator('.picture').evaluate((picture) => picture.innerHTML))
    await page.waitForTimeout(40)
  }
  await dialog.getByRole('button', { name: 'Pause' }).click()
  return seen.size
}

test('the film plays, stops, and goes where it is sent; its sentence is said', async () => {
  const opened = await openFilm()
  const { page, dialog, faults, context } = opened
  assert.match(await dialog.locator('.picture').textContent(), /One training step/)
  const time = dialog.getByRole('slider', { name: 'Time' })
  // A busy machine may leave pictures out: then the same piece is played again.
  let most = 0
  for (let played = 0; played < 6 && most <= 8; played += 1) {
    await time.fill('4.2')
    await dialog.getByText('Forward: each layer').last().waitFor()
    most = Math.max(most, await picturesWhilePlaying(opened, 2500))
  }
  assert.ok(most > 8, 'it moves')
  assert.ok(Number(await time.inputValue()) > 5, 'time goes on')
  const { captions, duration, web_vtt } = await server.api('revisions/1/film?kind=pass&sample=0')
  await time.fill(String(captions.at(-2).from + 3))
  await page.waitForFunction(() => document.querySelector('dialog .picture').textContent.includes('5 Update'))
  assert.equal(await dialog.locator('[aria-live]').textContent(), captions.at(-2).text)
  assert.equal(Number(await time.getAttribute('max')), duration)
  const vtt = await saved(page, dialog.getByRole('button', { name: 'Captions' }))
  assert.equal(vtt.name, 'pass.vtt')
  assert.equal(vtt.bytes.toString(), web_vtt)
  const svg = await saved(page, dialog.getByRole('button', { name: 'Animated SVG' }))
  assert.match(svg.bytes.toString(), /^<svg [^]*prefers-reduced-motion[^]*<\/svg>\n$/)
  for (const reducedMotion of ['no-preference', 'reduce']) {
    const player = await browser.newPage({ reducedMotion })
    await player.setContent(svg.bytes.toString())
    const running = await player.evaluate(() => document.getAnimations().length)
    assert.ok(reducedMotion === 'reduce' ? running === 0 : running > 100, `${running} animations: ${reducedMotion}`)
    await player.close()
  }
  await dialog.getByLabel('Film').selectOption('lesson')
  await page.waitForFunction((pass) => document.querySelector('dialog input[type=range]')?.max > 2 * pass, duration)
  assert.deepEqual(faults, [])
  await context.close()
})

test('where less motion is preferred, pictures follow each other without moves', async () => {
  const opened = await openFilm({ reducedMotion: 'reduce' })
  await opened.dialog.getByRole('slider', { name: 'Time' }).fill('4.2')
  await opened.page.waitForFunction(() => document.querySelector('dialog .picture').textContent.includes('Forward:'))
  assert.ok((await picturesWhilePlaying(opened, 2500)) <= 4)
  await opened.context.close()
})

test('a film of an edited step shows its numbers, and one of a batch says which sample it shows', async () => {
  const { page, context } = await open(browser, server.address)
  await page.getByLabel('Example').selectOption('xor')
  await page.locator('.stage .start').waitFor()
  await page.locator('body').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('n')
  await page.getByText('iteration 1').first().waitFor()
  await page.getByRole('button', { name: 'Film', exact: true }).click()
  await page.getByRole('slider', { name: 'Time' }).fill('13')
  await page.waitForFunction(() => document.querySelector('dialog .picture').textContent.includes('sample 1 of 4'))
  const loss = await page.locator('dialog .picture text', { hasText: /^0\.6\d+$/ }).first().textContent()
  assert.notEqual(loss, '0.6619', 'the loss is that of the next iteration')
  await context.close()
})

test('videos are made frame by frame, and the browser plays them in their size and length', async () => {
  const { page, dialog, faults, context } = await openFilm({}, 2)
  const player = await browser.newPage()
  const kinds = await dialog.getByLabel('Kind of video').locator('option').allTextContents()
  assert.ok(kinds.includes('WebM'), String(kinds))
  for (const [kind, size] of [['WebM', [1280, 720]], ['WebM', [1920, 1080]], ['MP4', [1280, 720]]].filter(([kind]) => kinds.includes(kind))) {
    await dialog.getByLabel('Kind of video').selectOption(kind)
    await dialog.getByLabel('Size of the video').selectOption({ label: size.join(' × ') })
    const file = await saved(page, dialog.getByRole('button', { name: 'Make the video' }))
    assert.equal(file.name, `pass.${kind.toLowerCase()}`)
    const played = await player.evaluate(async ([base64, type]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
      const video = document.createElement('video')
      video.src = URL.createObjectURL(new Blob([bytes], { type }))
      await new Promise((resolve, reject) => Object.assign(video, { onloadeddata: resolve, onerror: () => reject(new Error(video.error.message)) }))
      video.currentTime = 1
      await new Promise((resolve) => (video.onseeked = resolve))
      const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight })
      const context = canvas.getContext('2d')
      // A seek is done before its picture can be drawn: until then what is drawn is nothing, which is not the same as black.
      let data
      for (const end = performance.now() + 10000; performance.now() < end; ) {
        context.drawImage(video, 0, 0)
        data = context.getImageData(0, 0, canvas.width, canvas.height).data
        if (data[3] === 255) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      if (data[3] !== 255) throw new Error('the player draws no picture')
      let dark = 0
      for (let at = 0; at < data.length; at += 4) if (data[at] < 90) dark += 1
      return { size: [video.videoWidth, video.videoHeight], duration: video.duration, ink: dark / (data.length / 4) }
    }, [file.bytes.toString('base64'), `video/${kind.toLowerCase()}`])
    assert.deepEqual(played.size, size)
    assert.ok(Math.abs(played.duration - 2) < 0.1, `${kind}: ${played.duration} s`)
    assert.ok(played.ink > 0.003 && played.ink < 0.1, `${kind}: the title is on it, ${played.ink}`)
  }
  assert.deepEqual(faults, [])
  await player.close()
  await context.close()
})

test('a frame that the browser draws empty is drawn again, and no video is made of one that stays so', async () => {
  const { page, dialog, faults, context } = await openFilm({}, 0.2)
  await page.evaluate(() => {
    const { prototype } = OffscreenCanvasRenderingContext2D
    const draw = prototype.drawImage
    window.empty = 2
    prototype.drawImage = function (...picture) {
      if (window.empty-- <= 0) draw.apply(this, picture)
    }
  })
  const make = dialog.getByRole('button', { name: 'Make the video' })
  assert.ok((await saved(page, make)).bytes.length > 1000)
  await page.evaluate(() => (window.empty = Infinity))
  page.on('download', () => faults.push('a download'))
  await make.click()
  await dialog.getByRole('alert').filter({ hasText: 'draws a frame of the film empty' }).waitFor()
  await make.waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

test('a video that is cancelled, or whose dialog is closed, is given up', async () => {
  const { page, dialog, faults, context } = await openFilm()
  const before = page.workers().length
  const make = dialog.getByRole('button', { name: 'Make the video' })
  page.on('download', () => faults.push('a download'))
  await make.click()
  await page.waitForFunction(() => document.querySelector('dialog progress')?.value > 0.01)
  assert.equal(page.workers().length, before + 1)
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await make.waitFor()
  await page.waitForTimeout(200)
  assert.equal(page.workers().length, before)
  assert.equal(await dialog.getByRole('alert').count(), 0)
  await make.click()
  await dialog.getByRole('progressbar').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).click()
  await page.waitForTimeout(500)
  assert.equal(page.workers().length, before)
  assert.deepEqual(faults, [])
  await context.close()
})

for (const colorScheme of ['light', 'dark']) {
  test(`no serious finding of axe in the film's dialog: ${colorScheme}`, async () => {
    const { page, context } = await openFilm({ colorScheme, bypassCSP: true })
    await page.addScriptTag({ path: new URL('../node_modules/axe-core/axe.min.js', import.meta.url).pathname })
    const { violations } = await page.evaluate(() => window.axe.run('dialog', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
    const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), [])
    await context.close()
  })
}
