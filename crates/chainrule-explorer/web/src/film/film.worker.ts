// Makes a video of the frames that come, one after the other: WebCodecs encodes them, mediabunny puts them into a file.
import { BufferTarget, getFirstEncodableVideoCodec, Mp4OutputFormat, Output, VideoSample, VideoSampleSource, WebMOutputFormat, type VideoCodec } from 'mediabunny'
import type { Begin, Finish, Frame, Said } from './protocol'

const page = self as unknown as {
  onmessage: (event: MessageEvent<Begin | Frame | Finish>) => void
  postMessage(said: Said, transfer?: Transferable[]): void
}

/** Which codecs a container is played with, the best first. */
const CODECS: Record<Begin['container'], VideoCodec[]> = { webm: ['vp9', 'vp8', 'av1'], mp4: ['avc'] }
/** Bits for each pixel of a second of film: flat colours and text need few. */
const BITS = 2
/** Seconds between frames that stand for themselves, so that a player can seek. */
const KEY_FRAMES = 2

class Video {
  #output: Output<WebMOutputFormat | Mp4OutputFormat, BufferTarget>
  #source: VideoSampleSource
  #last: ImageBitmap | null = null
  #count = 0
  #rate: number

  private constructor({ container, rate, width, height }: Begin, codec: VideoCodec) {
    this.#rate = rate
    this.#output = new Output({ format: container === 'webm' ? new WebMOutputFormat() : new Mp4OutputFormat({ fastStart: 'in-memory' }), target: new BufferTarget() })
    this.#source = new VideoSampleSource({ codec, bitrate: BITS * width * height, keyFrameInterval: KEY_FRAMES })
    this.#output.addVideoTrack(this.#source, { frameRate: rate })
  }

  static async begin(begin: Begin): Promise<Video> {
    const { width, height } = begin
    const codec = await getFirstEncodableVideoCodec(CODECS[begin.container], { width, height, bitrate: BITS * width * height })
    if (!codec) throw new Error(`This browser makes no ${begin.container === 'webm' ? 'WebM' : 'MP4'} of that size.`)
    const video = new Video(begin, codec)
    await video.#output.start()
    return video
  }

  /** Adds a frame; gives how many there are. */
  async add(bitmap: ImageBitmap | null): Promise<number> {
    if (bitmap) {
      this.#last?.close()
      this.#last = bitmap
    }
    const sample = new VideoSample(this.#last!, { timestamp: this.#count / this.#rate, duration: 1 / this.#rate })
    await this.#source.add(sample)
    sample.close()
    return ++this.#count
  }

  async finish(): Promise<ArrayBuffer> {
    await this.#output.finalize()
    this.#last?.close()
    return this.#output.target.buffer!
  }
}

let video: Promise<Video>
/** Frames wait for those before them. */
let work: Promise<unknown> = Promise.resolve()

async function answer(asked: Begin | Frame | Finish) {
  if ('container' in asked) {
    await (video = Video.begin(asked))
    page.postMessage({ ready: true })
  } else if ('bitmap' in asked) {
    page.postMessage({ encoded: await (await video).add(asked.bitmap) })
  } else {
    const file = await (await video).finish()
    page.postMessage({ file }, [file])
  }
}

page.onmessage = ({ data }) => {
  const failed = (error: unknown) => page.postMessage({ error: error instanceof Error ? error.message : String(error) })
  work = work.then(() => answer(data)).catch(failed)
}
