// Brings the code that the page begins without, when it is asked for. A page that is opened as a file can import no module: the build
// makes scripts of all modules, and puts `window.chainrule.load()` in the place of the import.

declare global {
  interface Window {
    chainrule: {
      load(): Promise<unknown>
      /** What the code that came late has to give. */
      late?: unknown
    }
  }
}

let loading: Promise<unknown> | null = null

async function load() {
  const script = document.createElement('script')
  const text = document.getElementById('late')?.textContent
  if (text) script.textContent = text
  else script.src = './late.js'
  const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }))
  document.head.append(script)
  if (!text) await loaded
  return window.chainrule.late
}

window.chainrule = {
  load: () => {
    loading ??= load()
    // Another time it may come.
    loading.catch(() => (loading = null))
    return loading
  },
}

export const late = () => import('../late')
