// "Predict first": play stops before a phase and asks one question about it.
import { api } from '../lib/api'
import type { Answered, QuizVerdict } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'
import { drawSeed, judge, round, type Asked } from './round.svelte'

class Predicting {
  /** Whether play stops. */
  on = $state(false)
  #asked = $state.raw<(Asked & { position: number }) | null>(null)
  given = $state.raw<Answered | null>(null)
  verdict = $state.raw<QuizVerdict | null>(null)
  /** Whether what was asked about is still to come. */
  #isAhead = $derived(this.#asked?.position === explorer.position && explorer.element === null)
  /** The question, as long as the network is the one that it is about: who steps on without an answer is not asked about what is shown. */
  asked = $derived(this.#asked?.revision === explorer.view?.revision && (this.#isAhead || this.verdict) ? this.#asked : null)
  /** Where the question was asked, so that it is asked once. */
  #place = ''
  #kinds = new Set<string>()

  /** Whether play is to stop here: a phase begins, and nothing was asked before it. Asks then. */
  stops(): boolean {
    const { events, position, element, view } = explorer
    const [next, last] = [events[position], events[position - 1]]
    const place = `${view?.revision} ${position}`
    if (!this.on || !next || element !== null || next.phase === last?.phase || this.#place === place) return false
    this.#place = place
    void this.#ask()
    return true
  }

  async #ask() {
    const { view, events, position } = explorer
    const quiz = { seed: drawSeed(), phase: events[position].phase, concepts: null }
    const answer = await explorer.ask(() => api.quiz(view!.revision, { ...quiz, count: 30 }))
    if (explorer.position !== position || explorer.view !== view) return
    // What can be told from what is known here.
    const open = answer?.questions.filter(({ cell, given, form }) =>
      form.kind === 'choices' || (!explorer.isCellKnown(cell) && given.every((one) => explorer.isCellKnown(one.cell))))
    const fresh = open?.filter(({ kind }) => !this.#kinds.has(kind)) ?? []
    const question = fresh.find(({ form }) => form.kind === 'number') ?? fresh.find(({ form }) => form.kind === 'shape') ?? fresh[0] ?? open?.[0]
    if (!question) {
      explorer.playing = true
      return
    }
    this.#kinds.add(question.kind)
    this.leave()
    this.#asked = { revision: view!.revision, quiz, question, position }
    round.part = 'questions'
    explorer.tab = 'quiz'
  }

  async answer(answer: Answered) {
    const asked = this.asked
    if (!asked || this.verdict) return
    const verdict = await judge(asked, answer)
    if (!verdict || asked !== this.asked) return
    this.given = answer
    this.verdict = verdict
    round.count(asked.question.concept, verdict.right)
  }

  /** The step that was asked about, and on. */
  goOn() {
    const isAhead = this.#isAhead
    this.leave()
    if (isAhead) explorer.next()
    explorer.playing = true
  }

  leave() {
    this.#asked = null
    this.given = null
    this.verdict = null
  }
}

export const predicting = new Predicting()
