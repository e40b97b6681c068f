// Who answers what the page asks: the program on this machine, or the module that the page carries. Nothing else knows which.

export interface Answers {
  /** Asks at an address below "api/", with a body where it takes one. */
  ask(address: string, body: string | null, signal?: AbortSignal): Promise<Reply>
  /** What a link to the page begins with. */
  readonly home: string
  /** What whoever gets a link does with it. */
  readonly advice: string
}

export interface Reply {
  /** As in HTTP. */
  status: number
  bytes: ArrayBuffer
}

/** There is nobody any more. */
export class Gone extends Error {}

export const aborted = () => new DOMException('The question was given up.', 'AbortError')
