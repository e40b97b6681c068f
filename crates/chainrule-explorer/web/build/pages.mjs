// The HTML around the page: one file that carries everything, and the pages of the site.
import { gunzipSync } from 'fflate'

/** The engine's plain text with signs. */
const shown = (text) => text.replaceAll(' x ', ' × ').replace(/\bdelta_i\b/g, 'δᵢ').replace(/\bdelta\b/g, 'δ')

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** What every page has in its head. */
const head = (title, policy, more) => `    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="referrer" content="no-referrer" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${policy}; base-uri 'none'; form-action 'none'" />
    <title>${escaped(title)}</title>
${more}`

const NOSCRIPT = '<noscript>This lesson needs JavaScript: every number in it is computed on the page.</noscript>'

/**
 * The page as one file. The program puts its parts where {{…}} stands: they are as they are in dist/, so that the hashes of the
 * policy hold.
 */
export const lesson = ({ scripts, style, icon, notices }) => `<!doctype html>
<html lang="en">
  <head>
${head('Chainrule explorer', `script-src ${scripts.join(' ')} 'wasm-unsafe-eval'; style-src ${style}; worker-src blob:; img-src data: blob:; media-src data: blob:`, `    <link rel="icon" type="image/svg+xml" href="data:image/svg+xml,${encodeURIComponent(icon)}" />
    <style>{{explorer.css}}</style>`)}
  </head>
  <body>
    <div id="page"></div>
    ${NOSCRIPT}
    <script type="application/json" id="start">{{start}}</script>
    <script type="text/plain" id="module">{{module}}</script>
    <script type="text/plain" id="answers-worker">{{answers.js}}</script>
    <script type="text/plain" id="film-worker">{{film.js}}</script>
    <script type="text/plain" id="late">{{late.js}}</script>
    <script>{{explorer.js}}</script>
  </body>
</html>
<!--
${notices}-->
`

const SITE_POLICY = "script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; media-src data: blob:"
const LINKS = `    <link rel="icon" type="image/svg+xml" href="./icon.svg" />
    <link rel="stylesheet" href="./explorer.css" />`

const examplePage = ({ id, title, summary }, worker) => `<!doctype html>
<html lang="en">
  <head>
${head(`${title} – Chainrule explorer`, SITE_POLICY, `    <meta name="description" content="${escaped(summary)}" />\n${LINKS}`)}
    <script defer src="./explorer.js"></script>
    <script async src="./module.js"></script>
  </head>
  <body>
    <div id="page"></div>
    ${NOSCRIPT}
    <script type="application/json" id="start">${JSON.stringify({ example: id })}</script>
    <script type="text/plain" id="answers-worker">${worker}</script>
  </body>
</html>
`

const index = (examples) => `<!doctype html>
<html lang="en">
  <head>
${head('Chainrule: backpropagation, number by number', SITE_POLICY, `    <meta name="description" content="A lesson on backpropagation in which every number is live." />\n${LINKS}`)}
  </head>
  <body class="site">
    <main>
      <h1>Backpropagation, number by number</h1>
      <p class="lead">One training step of a small network: forward, output error, the error signal going back through the transposed
        weights, gradients, update. Every number stands in its formula; change any of them and everything that depends on it
        changes. The program that computes it is on the page: nothing is sent anywhere.</p>
      <p><a class="start" href="./${examples[0].id}.html">Start the lesson</a></p>
      <h2>Worked examples</h2>
      <ul class="cards">
${examples.map(({ id, title, summary }) => `        <li><a href="./${id}.html"><strong>${escaped(title)}</strong> <span>${escaped(shown(summary))}</span></a></li>`).join('\n')}
      </ul>
      <p class="soft">A link into an example can name a step and a number, as in
        <a href="./${examples[0].id}.html#step=8&amp;select=delta.1[0,2]">${examples[0].id}.html#step=8&amp;select=delta.1[0,2]</a>.</p>
    </main>
  </body>
</html>
`

/** The pages of the site by name: an index, and one for each example that the module knows. */
export async function sitePages(read) {
  const examples = await knownExamples(read('module.js'))
  const worker = read('answers.js')
  const pages = examples.map((example) => [`${example.id}.html`, examplePage(example, worker)])
  return Object.fromEntries([['index.html', index(examples)], ...pages])
}

async function knownExamples(text) {
  const packed = Buffer.from(text.match(/'([^']+)'/)[1], 'base64')
  const { instance } = await WebAssembly.instantiate(gunzipSync(packed), { page: { now: () => 0 } })
  const { memory, words, open, answer, reply, reply_length } = instance.exports
  words(0)
  open()
  const address = new TextEncoder().encode('catalog')
  const place = words(address.length)
  new Uint8Array(memory.buffer, place, address.length).set(address)
  answer(address.length, false)
  return JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, reply(), reply_length()))).examples
}
