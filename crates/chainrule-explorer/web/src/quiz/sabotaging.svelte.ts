// The sabotage that is chosen, and what came of the last one: it outlives the panel.
import { api } from '../lib/api'
import type { Mistake, SabotageReport } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'

class Sabotaging {
  mistake = $state<Mistake>('no_slope')
  iterations = $state(20)
  running = $state(false)
  #held = $state.raw<{ revision: number; root: number; report: SabotageReport } | null>(null)
  #controller: AbortController | null = null

  /** Of the document on the screen. */
  held = $derived(this.#held?.root === explorer.timeline[0]?.revision ? this.#held : null)
  stale = $derived(this.held !== null && (explorer.stale || this.held.revision !== explorer.view?.revision))

  /** Whether there is a new report. */
  async run(): Promise<boolean> {
    const view = explorer.view
    if (!view || explorer.stale) return false
    this.cancel()
    const controller = (this.#controller = new AbortController())
    this.running = true
    const asked = { mistake: this.mistake, iterations: this.iterations }
    const report = await explorer.ask(() => api.sabotage(view.revision, asked, controller.signal))
    if (this.#controller !== controller) return false
    this.running = false
    if (report) this.#held = { revision: view.revision, root: explorer.timeline[0].revision, report }
    return report !== null
  }

  cancel() {
    this.#controller?.abort()
    this.#controller = null
    this.running = false
  }
}

export const sabotaging = new Sabotaging()
