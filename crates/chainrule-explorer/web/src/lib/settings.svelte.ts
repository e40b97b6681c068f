// How the page looks on this machine: kept by the browser, never part of a link.
const KEY = 'chainrule-explorer'

type Theme = 'system' | 'light' | 'dark'

class Settings {
  theme = $state<Theme>('system')
  /** Wider type for a projector. */
  large = $state(false)
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
    root.classList.toggle('large', this.large)
    this.measure()
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, large: this.large }))
    } catch {
      // As above.
    }
  }
}

export const settings = new Settings()
