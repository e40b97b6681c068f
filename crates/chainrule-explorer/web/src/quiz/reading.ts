// From a question or a mistake to the paragraph of the lesson that speaks of it, and to its cell on the stage.
import { tick } from 'svelte'
import type { Cell, Paragraph } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'
import { place, type ChapterId } from '../lesson/place.svelte'

export async function read({ chapter, passage }: Paragraph) {
  explorer.playing = false
  explorer.tab = 'lesson'
  await tick()
  await place.turnTo(chapter as ChapterId)
  const paragraph = document.getElementById(`passage-${passage}`)
  paragraph?.focus({ preventScroll: true })
  paragraph?.scrollIntoView({ block: 'center' })
}

/** The rail stays on the quiz. */
export function showOnStage(cell: Cell) {
  explorer.playing = false
  explorer.follow(cell)
  document.querySelector('.stage')?.scrollIntoView({ block: 'nearest' })
}
