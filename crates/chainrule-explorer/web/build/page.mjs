// Builds the page: dist/ is what the program serves and exports, site/ is the same for any host. npm run build.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { build } from 'vite'
import { classicLate, classicMain } from './classic.mjs'
import { lesson, sitePages } from './pages.mjs'

const web = resolve(import.meta.dirname, '..')
const [dist, site] = [join(web, 'dist'), join(web, 'site')]

/** The scripts of an entry: one, whole, or that of the page with the code that comes late. */
async function bundle(name, source) {
  await build({
    root: web, configFile: false, logLevel: 'warn', plugins: [svelte()], publicDir: false,
    build: {
      target: 'es2022', outDir: dist, emptyOutDir: false, modulePreload: false, assetsInlineLimit: 0, cssCodeSplit: false,
      rollupOptions: {
        input: join(web, 'src', source),
        output: { format: name === 'explorer' ? 'es' : 'iife', entryFileNames: `${name}.js`, chunkFileNames: '[name].js', assetFileNames: `${name}[extname]` },
      },
    },
  })
}

const ENTRIES = { explorer: 'main.ts', answers: 'answers/answers.worker.ts', film: 'film/film.worker.ts' }
const SCRIPTS = ['explorer', 'late', 'answers', 'film']
const MADE = [...SCRIPTS.map((name) => `${name}.js`), 'explorer.css', 'index.html', 'lesson.html', 'icon.svg', 'NOTICES.txt']
mkdirSync(dist, { recursive: true })
for (const name of MADE) rmSync(join(dist, name), { force: true })
for (const [name, source] of Object.entries(ENTRIES)) await bundle(name, source)

/** What stands before a script that holds the work of others, as their licences want it. */
const packageOf = (name) => JSON.parse(readFileSync(join(web, `node_modules/${name}/package.json`), 'utf8'))
const NOTICES = {
  explorer: `/*! This file contains parts of Svelte ${packageOf('svelte').version}, whose licence is in NOTICES.txt. */
`,
  film: `/*! This file contains mediabunny ${packageOf('mediabunny').version}, Copyright (c) Vanilagy and contributors, unchanged but for being minified. Its source is
 * subject to the terms of the Mozilla Public License, v. 2.0 (https://mozilla.org/MPL/2.0/) and can be had at
 * https://github.com/Vanilagy/mediabunny and in the npm package of that version. */
`,
}
const notices = `The page holds work of others beside its own.

Svelte ${packageOf('svelte').version} (explorer.js):
${readFileSync(join(web, 'node_modules/svelte/LICENSE.md'), 'utf8').trim()}

${NOTICES.film.replace(/\/\*! | \*\/| \* /g, '').replace('This file', 'film.js').trim()}
`
writeFileSync(join(dist, 'NOTICES.txt'), notices)

// Each script also stands within a page, which none may end.
const CLASSIC = { explorer: classicMain, late: classicLate }
for (const name of SCRIPTS) {
  const path = join(dist, `${name}.js`)
  const text = readFileSync(path, 'utf8').replaceAll('</script', '<\\/script').replaceAll('<!--', '\\x3c!--')
  writeFileSync(path, (NOTICES[name] ?? '') + (CLASSIC[name] ?? String)(text))
}

const read = (name) => readFileSync(join(dist, name), 'utf8')
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
cpSync(join(web, 'icon.svg'), join(dist, 'icon.svg'))
cpSync(join(web, 'index.html'), join(dist, 'index.html'))

writeFileSync(join(dist, 'lesson.html'), lesson({ scripts: [hash(read('explorer.js')), hash(read('late.js'))], style: hash(read('explorer.css')), icon: read('icon.svg'), notices }))

if (!existsSync(join(dist, 'module.js'))) throw new Error('There is no dist/module.js: npm run module builds it.')
rmSync(site, { recursive: true, force: true })
mkdirSync(site)
for (const name of ['explorer.js', 'late.js', 'explorer.css', 'film.js', 'module.js', 'icon.svg', 'NOTICES.txt']) cpSync(join(dist, name), join(site, name))
for (const [name, text] of Object.entries(await sitePages(read))) writeFileSync(join(site, name), text)
