// The page and the browser that a file of tests looks at it with: they are there before its first test, and end after its last.
import { after, before } from 'node:test'
import { launch, start } from './browser.mjs'

export let server, browser

before(async () => {
  server = await start()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await server?.stop()
})
