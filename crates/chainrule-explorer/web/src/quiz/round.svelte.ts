// The quiz as the page keeps it: its questions, the answers given, and the score by concept. Nothing of it leaves the page.
import { untrack } from 'svelte'
import { api } from '../lib/api'
import type { Answered, AtQuiz, Concept, QuizQuestion, QuizVerdict } from '../lib/contract'
import { explorer } from '../lib/explorer.svelte'

/** Questions of a quiz, and of a practice. */
const COUNT = 10
const PRACTICE = 5

/** A question with what was asked to get it. */
export interface Asked {
  revision: number
  quiz: Omit<AtQuiz, 'count'>
  question: QuizQuestion
}

export interface Tally {
  right: number
  asked: number
}

/** The answer of the program; null if there was none. */
export async function judge({ revision, quiz, question }: Asked, answer: Answered): Promise<QuizVerdict | null> {
  return explorer.ask(() => api.answerQuiz(revision, { ...quiz, number: question.number, answer }))
}

export const drawSeed = () => Math.floor(Math.random() * 10_000) + 1

class Round {
  part = $state<'questions' | 'sabotage'>('questions')
  /** What the questions are drawn with: the same number is the same quiz. */
  seed = $state(drawSeed())
  /** Concepts that are practised; null in the quiz itself. */
  practised = $state.raw<Concept[] | null>(null)
  questions = $state.raw<Asked[]>([])
  index = $state(0)
  /** The answer to the current question. */
  given = $state.raw<Answered | null>(null)
  verdict = $state.raw<QuizVerdict | null>(null)
  /** Of this round. */
  right = $state(0)
  answered = $state(0)
  score = $state<Partial<Record<Concept, Tally>>>({})
  /** Concepts whose last answer was wrong. */
  wrong = $state.raw<Concept[]>([])
  loading = $state(false)
  failed = $state(false)
  #times = 0
  #root: number | null = null

  current = $derived<Asked | null>(this.questions[this.index] ?? null)
  /** The questions are about the network as it was. */
  stale = $derived(this.questions.length > 0 && this.questions[0].revision !== explorer.view?.revision)
  over = $derived(this.questions.length > 0 && this.index >= this.questions.length)

  /** Begins a quiz, or a practice of some concepts. */
  async begin(seed = this.seed, practised: Concept[] | null = null) {
    this.seed = seed
    explorer.quiz = seed
    this.practised = practised
    this.#times = practised ? this.#times + 1 : 0
    await this.ask()
  }

  /** Asks for the questions, about the network as it is. */
  async ask() {
    const view = explorer.view
    if (!view) return
    const quiz = { seed: this.seed + 100_000 * this.#times, phase: null, concepts: this.practised?.join(',') ?? null }
    this.loading = true
    this.failed = false
    this.#root = explorer.timeline[0].revision
    const answer = await explorer.ask(() => api.quiz(view.revision, { ...quiz, count: this.practised ? PRACTICE : COUNT }))
    this.loading = false
    this.failed = answer === null
    this.questions = (answer?.questions ?? []).map((question) => ({ revision: view.revision, quiz, question }))
    this.index = 0
    this.given = null
    this.verdict = null
    this.right = 0
    this.answered = 0
  }

  /** Questions nobody has answered yet follow the network; another document, and a link, have others. */
  follow() {
    const [root, named] = [explorer.timeline[0]?.revision, explorer.quiz]
    untrack(() => {
      if (this.loading || explorer.stale) return
      if (named !== this.seed) return void this.begin(named ?? this.seed)
      if (this.questions.length === 0 || this.#root !== root || (this.stale && this.answered === 0)) void this.ask()
    })
  }

  async answer(answer: Answered) {
    const asked = this.current
    if (!asked || this.verdict) return
    const verdict = await judge(asked, answer)
    if (!verdict || asked !== this.current) return
    this.given = answer
    this.verdict = verdict
    this.answered += 1
    if (verdict.right) this.right += 1
    this.count(asked.question.concept, verdict.right)
  }

  count(concept: Concept, right: boolean) {
    const { right: before, asked } = this.score[concept] ?? { right: 0, asked: 0 }
    this.score = { ...this.score, [concept]: { right: before + (right ? 1 : 0), asked: asked + 1 } }
    this.wrong = right ? this.wrong.filter((other) => other !== concept) : [...new Set([...this.wrong, concept])]
  }

  next() {
    this.index += 1
    this.given = null
    this.verdict = null
  }
}

export const round = new Round()
