// What the page and the worker that makes a video say to each other.

export type Container = 'webm' | 'mp4'

export interface Begin {
  container: Container
  width: number
  height: number
  /** Frames a second. */
  rate: number
}

/** The next frame; null where it is the one before it once more. */
export interface Frame {
  bitmap: ImageBitmap | null
}

export interface Finish {
  finish: true
}

/** Ready for frames, so many are in the video, the file, or why there is none. */
export type Said = { ready: true } | { encoded: number } | { file: ArrayBuffer } | { error: string }
