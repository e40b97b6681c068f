// The program on this machine answers, over HTTP, below the page's own address.
import { Gone, type Answers, type Reply } from './answers'

export const server: Answers = {
  // Without the token: that is this program's alone.
  home: `${location.origin}/`,
  advice: 'Others start chainrule explore and paste it under Share.',
  async ask(address, body, signal): Promise<Reply> {
    const headers = { 'Content-Type': 'application/json' }
    try {
      const response = await fetch(`./api/${address}`, body === null ? { signal } : { method: 'POST', headers, body, signal })
      return { status: response.status, bytes: await response.arrayBuffer() }
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      throw new Gone('The program behind this page has ended.')
    }
  },
}
