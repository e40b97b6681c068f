// What the page and the worker that runs the module say to each other.

/** The module, as gzip in base64, and what the session opens. */
export interface Start {
  module: string
  document: string
}

export interface Asked {
  id: number
  address: string
  body: string | null
}

export interface Answered {
  id: number
  status: number
  bytes: ArrayBuffer
  /** The module has failed, and must be made anew. */
  failed: boolean
}
