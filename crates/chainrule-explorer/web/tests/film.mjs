// Makes a film of the program's page, as whoever looks at it would: node tests/film.mjs FILE.webm [lesson|pass] [1080], with CHAINRULE set.
// FILE.mp4 makes an MP4; the captions stand beside it as FILE.vtt.
import { launch, open, served } from './browser.mjs'

const [file = 'lesson.webm', kind = 'lesson', height = '720'] = process.argv.slice(2)
const [server, browser] = [await served(), await launch()]
const { page } = await open(browser, server.address)
await page.getByRole('button', { name: 'Film', exact: true }).click()
const dialog = page.getByRole('dialog')
await dialog.getByLabel('Film').selectOption(kind)
await dialog.getByLabel('Kind of video').selectOption(file.endsWith('.mp4') ? 'mp4' : 'webm')
await dialog.getByLabel('Size of the video').selectOption({ label: height === '1080' ? '1920 × 1080' : '1280 × 720' })

/** What a button gives to be saved. */
async function save(name, path) {
  const download = page.waitForEvent('download', { timeout: 0 })
  await dialog.getByRole('button', { name }).click()
  await (await download).saveAs(path)
}
await save('Captions', file.replace(/\.\w+$/, '.vtt'))
const began = performance.now()
const timer = setInterval(async () => console.log(await dialog.getByRole('status').first().textContent().catch(() => '')), 10_000)
await save('Make the video', file)
clearInterval(timer)
console.log(`${file}: made in ${((performance.now() - began) / 1000).toFixed(0)} s`)
await browser.close()
await server.stop()
