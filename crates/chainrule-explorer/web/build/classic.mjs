// Makes classic scripts of the page's two modules, the one that it begins with and the one that comes late: what the first exports
// and the second imports goes through `window.chainrule`.

/** "a as b, c" as pairs of names. */
const pairs = (list) => list.split(',').map((entry) => entry.trim().split(/\s+as\s+/)).map(([first, second = first]) => [first, second])
const wrapped = (text) => `(()=>{${text}})();\n`

function replaced(text, pattern, by, what) {
  const result = text.replace(pattern, by)
  if (result === text) throw new Error(`The build finds no ${what}.`)
  return result
}

export function classicMain(text) {
  const loading = replaced(text, /[\w$]+\(\(\)=>import\((["'`])\.\/late\.js\1\),\[\](,import\.meta\.url)?\)/, 'window.chainrule.load()', 'import of late.js')
  const given = (_, list) => `Object.assign(window.chainrule,{${pairs(list).map(([local, name]) => `${JSON.stringify(name)}:${local}`).join(',')}});`
  // What the bundler would load modules with is not called.
  const alone = loading.replaceAll('import.meta', '({})')
  return wrapped(replaced(alone, /export\{([^}]*)\};?\s*$/, given, 'exports of the page'))
}

export function classicLate(text) {
  const taken = (_, list) => `const{${pairs(list).map(([name, local]) => `${JSON.stringify(name)}:${local}`).join(',')}}=window.chainrule;`
  const reading = replaced(text, /import\{([^}]*)\}from(["'`])\.\/explorer\.js\2;/, taken, 'imports of the late code')
  const given = (_, list) => `window.chainrule.late={${pairs(list).map(([local, name]) => `${JSON.stringify(name)}:${local}`).join(',')}};`
  return wrapped(replaced(reading, /export\{([^}]*)\};?\s*$/, given, 'exports of the late code'))
}
