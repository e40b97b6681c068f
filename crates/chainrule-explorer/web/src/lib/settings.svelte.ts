// How the page looks on this machine: kept by the browser, never part of a link.
import { MediaQuery } from 'svelte/reactivity'

const KEY = 'chainrule-explorer'

type Theme = 'system' | 'light' | 'dark'

class Settings {
  theme = $state<Theme>('system')
  /** Before a class: large type, and no ledger. */
  presenting = $state(false)
  /** Whether the panes stand below each other. */
  stacked = new MediaQuery('max-width: 900px')
  /** The page's type size in pixels. */
  rem = $state(16)

  constructor() {
    try {
      Object.assign(this, JSON.parse(localStorage.getItem(KEY) ?? '{}'))
    } catch {
      // A browser that keeps nothing: the defaults are good.
    }
  }

  measure() {
    this.rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
  }

  apply() {
    const root = document.documentElement
    if (this.theme === 'system') delete root.dataset.theme
    else root.dataset.theme = this.theme
    root.classList.toggle('presenting', this.presenting)
    this.measure()
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, presenting: this.presenting }))
    } catch {
      // As above.
    }
  }
}

export const settings = new Settings()
