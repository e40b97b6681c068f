// How the page looks on this machine: kept by the browser, never part of a link.
const KEY = 'chainrule-explorer'

type Theme = 'system' | 'light' | 'dark'

class Settings {
  theme = $state<Theme>('system')
  /** Wider type for a projector. */
  large = $state(false)

  constructor() {
    try {
      Object.assign(this, JSON.parse(localStorage.getItem(KEY) ?? '{}'))
    } catch {
      // A browser that keeps nothing: the defaults are good.
    }
  }

  apply() {
    const root = document.documentElement
    if (this.theme === 'system') delete root.dataset.theme
    else root.dataset.theme = this.theme
    root.classList.toggle('large', this.large)
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, large: this.large }))
    } catch {
      // As above.
    }
  }
}

export const settings = new Settings()
