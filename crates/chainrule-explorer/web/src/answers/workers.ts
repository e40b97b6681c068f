// Starts a worker: from its text where the page carries it, and else from the file beside the page.

export function startWorker(name: 'answers' | 'film'): Worker {
  const text = document.getElementById(`${name}-worker`)?.textContent
  if (!text && location.protocol === 'file:') throw new Error('Opened as a file, this page cannot do that: open it from a host, or take the exported file.')
  if (!text) return new Worker(`./${name}.js`)
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const worker = new Worker(url)
  URL.revokeObjectURL(url)
  return worker
}
