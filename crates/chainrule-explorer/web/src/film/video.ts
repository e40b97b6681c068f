// A film as a video: each frame's SVG becomes a picture, and a worker makes a file of all of them.
import { aborted } from '../answers/answers'
import { startWorker } from '../answers/workers'
import type { Begin, Container, Finish, Frame, Said } from './protocol'

/** Frames a second. */
export const RATE = 30
/** Frames that may wait for the encoder. */
const WAITING = 6
/** How often a frame is drawn before it is given up. */
const DRAWN = 3

/** Whether the browser can make videos at all, and which. */
export async function containers(): Promise<Container[]> {
  if (typeof VideoEncoder === 'undefined') return []
  const can = async (codec: string) => (await VideoEncoder.isConfigSupported({ codec, width: 1280, height: 720, framerate: RATE }).catch(() => null))?.supported
  const [vp9, vp8, avc] = await Promise.all(['vp09.00.31.08', 'vp8', 'avc1.64001f'].map(can))
  return [...(vp9 || vp8 ? ['webm' as const] : []), ...(avc ? ['mp4' as const] : [])]
}

/** Draws frames; in memory, where their pixels can be looked at. */
class Canvas {
  #context: OffscreenCanvasRenderingContext2D

  constructor(width: number, height: number) {
    this.#context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
  }

  /** The picture of an SVG whose background is opaque. A frame that a browser draws empty would be black in a video, unnoticed. */
  async picture(svg: string): Promise<ImageBitmap> {
    const { canvas } = this.#context
    const image = new Image(canvas.width, canvas.height)
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`
    for (let tries = 0; tries < DRAWN; tries += 1) {
      await image.decode()
      this.#context.clearRect(0, 0, canvas.width, canvas.height)
      this.#context.drawImage(image, 0, 0, canvas.width, canvas.height)
      if (this.#context.getImageData(0, 0, 1, 1).data[3] === 255) return createImageBitmap(canvas)
    }
    throw new Error('This browser draws a frame of the film empty. A smaller size may help.')
  }
}

export interface Wanted {
  container: Container
  width: number
  height: number
  /** In seconds. */
  duration: number
  /** The SVG at a time of the film. */
  frame: (time: number) => Promise<string>
  /** Told of the share that is done. */
  progress: (share: number) => void
  signal: AbortSignal
}

/** The video's file, made frame by frame, as fast as the machine can. */
export async function makeVideo({ container, width, height, duration, frame, progress, signal }: Wanted): Promise<Blob> {
  const worker = startWorker('film')
  const heard = new Listener(worker, signal)
  const canvas = new Canvas(width, height)
  const send = (message: Begin | Frame | Finish, transfer: Transferable[] = []) => worker.postMessage(message, transfer)
  try {
    send({ container, width, height, rate: RATE })
    await heard.until(() => heard.ready)
    const count = Math.round(duration * RATE)
    let before = ''
    for (let index = 0; index < count; index += 1) {
      const svg = await frame(index / RATE)
      // Much of a film stands still.
      const bitmap = svg === before ? null : await canvas.picture(svg)
      before = svg
      if (signal.aborted) throw aborted()
      send({ bitmap }, bitmap ? [bitmap] : [])
      await heard.until(() => heard.encoded > index - WAITING)
      progress(heard.encoded / count)
    }
    send({ finish: true })
    await heard.until(() => heard.file !== null)
    return new Blob([heard.file!], { type: `video/${container}` })
  } finally {
    worker.terminate()
  }
}

/** What a worker has said so far. */
class Listener {
  ready = false
  encoded = 0
  file: ArrayBuffer | null = null
  #error: unknown = null
  #wake = () => {}

  constructor(worker: Worker, signal: AbortSignal) {
    worker.onmessage = ({ data }: MessageEvent<Said>) => {
      if ('error' in data) this.#error = new Error(data.error)
      else if ('file' in data) this.file = data.file
      else if ('encoded' in data) this.encoded = data.encoded
      else this.ready = true
      this.#wake()
    }
    worker.onerror = () => this.#fail(new Error('The part of the page that makes videos does not start here.'))
    signal.addEventListener('abort', () => this.#fail(aborted()))
  }

  #fail(error: unknown) {
    this.#error = error
    this.#wake()
  }

  async until(holds: () => boolean) {
    while (this.#error === null && !holds()) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#error !== null) throw this.#error
  }
}
