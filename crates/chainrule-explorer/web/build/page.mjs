// Builds the page: dist/ is what the program serves and exports, site/ is the same for any host. npm run build.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { build } from 'vite'
import { lesson, sitePages } from './pages.mjs'

const web = resolve(import.meta.dirname, '..')
const [dist, site] = [join(web, 'dist'), join(web, 'site')]

/** One script, whole: a classic one, since a page that is opened as a file can load no other. */
async function bundle(name, source) {
  await build({
    root: web, configFile: false, logLevel: 'warn', plugins: [svelte()], publicDir: false,
    build: {
      target: 'es2022', outDir: dist, emptyOutDir: false, modulePreload: false, assetsInlineLimit: 0, cssCodeSplit: false,
      rollupOptions: {
        input: join(web, 'src', source),
        output: { format: 'iife', entryFileNames: `${name}.js`, assetFileNames: `${name}[extname]` },
      },
    },
  })
}

const SCRIPTS = { explorer: 'main.ts', answers: 'answers/answers.worker.ts', film: 'film/film.worker.ts' }
mkdirSync(dist, { recursive: true })
for (const name of [...Object.keys(SCRIPTS).map((name) => `${name}.js`), 'explorer.css', 'index.html', 'lesson.html', 'icon.svg']) rmSync(join(dist, name), { force: true })
for (const [name, source] of Object.entries(SCRIPTS)) if (existsSync(join(web, 'src', source))) await bundle(name, source)

/** What stands before a script that holds the work of others, as their licence wants it. */
const mediabunny = JSON.parse(readFileSync(join(web, 'node_modules/mediabunny/package.json'), 'utf8'))
const NOTICES = {
  film: `/*! This file contains mediabunny ${mediabunny.version}, Copyright (c) Vanilagy and contributors, unchanged but for being minified. Its source is
 * subject to the terms of the Mozilla Public License, v. 2.0 (https://mozilla.org/MPL/2.0/) and can be had at
 * https://github.com/Vanilagy/mediabunny and in the npm package of that version. */
`,
}

// Each script also stands within a page, which none may end.
for (const name of Object.keys(SCRIPTS)) {
  const path = join(dist, `${name}.js`)
  if (existsSync(path)) writeFileSync(path, (NOTICES[name] ?? '') + readFileSync(path, 'utf8').replaceAll('</script', '<\\/script').replaceAll('<!--', '\\x3c!--'))
}

const read = (name) => readFileSync(join(dist, name), 'utf8')
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
cpSync(join(web, 'icon.svg'), join(dist, 'icon.svg'))
cpSync(join(web, 'index.html'), join(dist, 'index.html'))

writeFileSync(join(dist, 'lesson.html'), lesson({ script: hash(read('explorer.js')), style: hash(read('explorer.css')), icon: read('icon.svg') }))

if (!existsSync(join(dist, 'module.js'))) throw new Error('There is no dist/module.js: npm run module builds it.')
rmSync(site, { recursive: true, force: true })
mkdirSync(site)
for (const name of ['explorer.js', 'explorer.css', 'film.js', 'module.js', 'icon.svg']) if (existsSync(join(dist, name))) cpSync(join(dist, name), join(site, name))
for (const [name, text] of Object.entries(await sitePages(read))) writeFileSync(join(site, name), text)
