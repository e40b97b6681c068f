// Each operation as it stands on the stage: matrices of numbers with operators between them, samples as columns.
import type { Cell, Kind, TraceEvent, Value, View } from './contract'
import { dimensions, PER_SAMPLE, tensorOf } from './format'
import * as m from './math'

export type Part =
  | { type: 'matrix'; name: string; math: string; transposed: boolean; joined: boolean }
  | { type: 'operator'; text: string; spoken: string }
  | { type: 'number'; text: string; math: string }

/** How a value is laid out: samples are columns and biases stand upright; a transpose turns that round. */
export function isFlipped(kind: Kind, transposed: boolean): boolean {
  const upright = PER_SAMPLE.includes(kind) || tensorOf(kind)?.number === 1
  return upright !== transposed
}

/** The cell that is drawn at a row and column; `sample` is the one that is drawn alone, if it is. */
export function cellAt(value: Value, transposed: boolean, sample: number | null, row: number, column: number): Cell {
  const [stored, storedColumn] = isFlipped(value.kind, transposed) ? [column, row] : [row, column]
  const alone = sample !== null && PER_SAMPLE.includes(value.kind)
  return { name: value.name, row: alone ? sample : stored, column: storedColumn }
}

/** Rows and columns as drawn. */
export function drawnShape(value: Value, transposed: boolean, onlyOneSample: boolean): [number, number] {
  let [rows, columns] = dimensions(value)
  if (onlyOneSample && PER_SAMPLE.includes(value.kind)) rows = 1
  return isFlipped(value.kind, transposed) ? [columns, rows] : [rows, columns]
}

const matrix = (name: string, math: string, transposed = false, joined = false): Part => ({
  type: 'matrix', name, math, transposed, joined,
})
const operator = (text: string, spoken: string): Part => ({ type: 'operator', text, spoken })

const equals = operator('=', 'equals')
const times = operator('·', 'matrix product')
const each = operator('⊙', 'element by element times')
const plus = operator('+', 'plus')
const minus = operator('−', 'minus')

export interface Staged {
  /** The operation in symbols, and the same as formulas of their own where it is two. */
  math: string
  formulas?: string[]
  /** Rows of pictures. */
  lines: Part[][]
}

/** What the stage shows for an event. */
export function staged(view: View, event: TraceEvent): Staged {
  const l = event.layer
  const layer = view.layers[l - 1]
  const eta = (): Part => ({ type: 'number', text: String(view.learning_rate), math: m.eta() })
  if (layer.kind !== 'dense') return ofKind(event)
  switch (event.operation) {
    case 'affine': {
      const bias = layer.bias ? [plus, matrix(`bias.${l}`, m.b(l))] : []
      return {
        math: m.all(m.z(l), m.op('='), m.W(l), m.a(l - 1), ...(layer.bias ? [m.op('+'), m.b(l)] : [])),
        lines: [[
          matrix(`z.${l}`, m.z(l)), equals, matrix(`weight.${l}`, m.W(l), false, true), times,
          matrix(`a.${l - 1}`, m.a(l - 1), false, true), ...bias,
        ]],
      }
    }
    case 'activation': {
      const name = layer.activation_name
      return {
        math: m.all(m.a(l), m.op('='), m.word(name), m.op('('), m.z(l), m.op(')')),
        lines: [[matrix(`a.${l}`, m.a(l)), equals, operator(name, `${name} of`), matrix(`z.${l}`, m.z(l))]],
      }
    }
    case 'loss':
      return {
        math: m.all(m.loss(), m.op('='), m.word(view.loss_name), m.op('('), m.a(l), m.op(','), m.y(), m.op(')')),
        lines: [[
          matrix('loss', m.loss()), equals, operator('loss of', 'the loss of'), matrix(`a.${l}`, m.a(l)),
          operator('and', 'and'), matrix('target', m.y()),
        ]],
      }
    case 'output_delta': return outputDelta(view, l)
    case 'carry_back':
      return {
        math: m.all(m.e(l), m.op('='), m.WT(l + 1), m.delta(l + 1)),
        lines: [[
          matrix(`error.${l}`, m.e(l)), equals, matrix(`weight.${l + 1}`, m.WT(l + 1), true, true), times,
          matrix(`delta.${l + 1}`, m.delta(l + 1), false, true),
        ]],
      }
    case 'delta':
      return {
        math: m.all(m.delta(l), m.op('='), m.e(l), m.op('⊙'), m.slope(m.z(l))),
        lines: [[
          matrix(`delta.${l}`, m.delta(l)), equals, matrix(`error.${l}`, m.e(l)), each, matrix(`slope.${l}`, m.slope(m.z(l))),
        ]],
      }
    case 'gradients': {
      const columns = view.samples > 1 ? 'row sums of' : ''
      const bias: Part[][] = layer.bias
        ? [[matrix(`bias_gradient.${l}`, m.db(l)), equals, ...(columns ? [operator(columns, columns)] : []), matrix(`delta.${l}`, m.delta(l))]]
        : []
      return {
        math: m.all(m.dW(l), m.op('='), m.delta(l), m.aT(l - 1)),
        lines: [
          [
            matrix(`weight_gradient.${l}`, m.dW(l)), equals, matrix(`delta.${l}`, m.delta(l), false, true), times,
            matrix(`a.${l - 1}`, m.aT(l - 1), true, true),
          ],
          ...bias,
        ],
      }
    }
    case 'update': {
      const line = (kind: 'weight' | 'bias', before: string, gradient: string): Part[] => [
        matrix(`updated_${kind}.${l}`, m.all(before, m.word(' new'))), equals, matrix(`${kind}.${l}`, before), minus, eta(), times,
        matrix(`${kind}_gradient.${l}`, gradient),
      ]
      return {
        math: m.all(m.W(l), m.word(' new '), m.op('='), m.W(l), m.op('−'), m.eta(), m.dW(l)),
        lines: [line('weight', m.W(l), m.dW(l)), ...(layer.bias ? [line('bias', m.b(l), m.db(l))] : [])],
      }
    }
    default: return ofKind(event)
  }
}

/** What another kind of layer than a dense one computes: its outputs, and what they are computed from. */
function ofKind(event: TraceEvent): Staged {
  const name = event.operation.replaceAll('_', ' ')
  const value = (id: string) => matrix(id, m.word(id))
  const from = event.operands.flatMap((id, index) => (index > 0 ? [operator('and', 'and'), value(id)] : [value(id)]))
  return {
    math: m.all(m.word(event.outputs[0]), m.op('='), m.word(name), m.op('('), m.word(event.operands.join(', ')), m.op(')')),
    lines: event.outputs.map((id) => [value(id), equals, operator(name, `${name} of`), ...from]),
  }
}

const inTwo = (one: string, other: string) => ({ math: m.all(one, m.op(','), m.word(' '), other), formulas: [one, other] })

function outputDelta(view: View, l: number): Staged {
  const result = matrix(`delta.${l}`, m.delta(l))
  const perSample = view.samples > 1
  const has = (name: string) => view.values.some((value) => value.name === name)
  if (view.output_rule.rule === 'through_slope' && has(`error.${l}`)) {
    return {
      ...inTwo(m.all(m.delta(l), m.op('='), m.e(l), m.op('⊙'), m.slope(m.z(l))), m.all(m.e(l), m.op('='), m.rate(m.a(l)))),
      lines: [[result, equals, matrix(`error.${l}`, m.e(l)), each, matrix(`slope.${l}`, m.slope(m.z(l)))]],
    }
  }
  const divided: Part[] = perSample ? [operator('÷', 'divided by'), { type: 'number', text: String(view.samples), math: '<mi>B</mi>' }] : []
  const { smoothing } = view.output_rule
  if (smoothing) {
    // t = kept y + added, as the loss counts the targets.
    const [kept, added] = [smoothing.kept, smoothing.added].map((number) => String(Number(number.toPrecision(6))))
    const taken = m.all(m.a(l), m.op('−'), '<mi class="kind-target">t</mi>')
    return {
      ...inTwo(
        m.all(m.delta(l), m.op('='), perSample ? m.fraction(taken, '<mi>B</mi>') : taken),
        m.all('<mi class="kind-target">t</mi>', m.op('='), m.number(kept), m.y(), m.op('+'), m.number(added)),
      ),
      lines: [[
        result, equals, ...(perSample ? [operator('(', '')] : []), matrix(`a.${l}`, m.a(l)), minus, operator(`( ${kept} ·`, `the sum of ${kept} times`), matrix('target', m.y()),
        operator(`+ ${added} )`, `and ${added}`), ...(perSample ? [operator(')', '')] : []), ...divided,
      ]],
    }
  }
  const pair = [matrix(`a.${l}`, m.a(l)), minus, matrix('target', m.y())]
  if (view.output_rule.rule !== 'prediction_minus_target' || !view.output_rule.targets_as_given) {
    return {
      math: m.all(m.delta(l), m.op('='), m.rate(m.z(l))),
      lines: [[result, equals, operator('rule of', 'the rule of the loss for'), matrix(`a.${l}`, m.a(l)), operator('and', 'and'), matrix('target', m.y())]],
    }
  }
  return {
    math: m.all(m.delta(l), m.op('='), perSample ? m.fraction(m.all(m.a(l), m.op('−'), m.y()), '<mi>B</mi>') : m.all(m.a(l), m.op('−'), m.y())),
    lines: [[result, equals, ...pair, ...divided]],
  }
}
