// Formulas as MathML. "^T" and the layer are one superscript, as in W^(2)T; every symbol has the colour of its kind.
import type { Hue } from './format'

const row = (...parts: string[]) => `<mrow>${parts.join('')}</mrow>`
export const op = (text: string) => `<mo>${text}</mo>`
export const word = (text: string) => `<mtext>${text}</mtext>`
export const number = (text: string | number) => `<mn>${text}</mn>`

function quantity(name: string, hue: Hue | null, layer: string, more = ''): string {
  const body = `<mi mathvariant="${name.length === 1 && name === name.toUpperCase() ? 'normal' : 'italic'}">${name}</mi>`
  const superscript = layer ? row(op('('), `<mi>${layer}</mi>`, op(')'), more) : more
  const coloured = hue ? ` class="kind-${hue}"` : ''
  return superscript ? `<msup${coloured}>${body}${row(superscript)}</msup>` : `<mrow${coloured}>${body}</mrow>`
}

type L = string | number
export const W = (layer: L) => quantity('W', 'w', String(layer))
export const WT = (layer: L) => quantity('W', 'w', String(layer), '<mi mathvariant="normal">T</mi>')
export const b = (layer: L) => quantity('b', 'w', String(layer))
export const z = (layer: L) => quantity('z', 'z', String(layer))
export const a = (layer: L) => quantity('a', 'a', String(layer))
export const aT = (layer: L) => quantity('a', 'a', String(layer), '<mi mathvariant="normal">T</mi>')
export const y = () => quantity('y', 'target', '')
export const e = (layer: L) => quantity('e', 'delta', String(layer))
export const delta = (layer: L) => quantity('δ', 'delta', String(layer))
export const dW = (layer: L) => row('<mi mathvariant="normal" class="kind-gradient">d</mi>', quantity('W', 'gradient', String(layer)))
export const db = (layer: L) => row('<mi mathvariant="normal" class="kind-gradient">d</mi>', quantity('b', 'gradient', String(layer)))
/** Script, since L is the number of layers. */
export const loss = () => '<mi class="kind-loss">ℒ</mi>'
export const eta = () => '<mi>η</mi>'
export const sigma = (argument: string) => row('<mi>σ</mi>', op('('), argument, op(')'))
export const slope = (argument: string) =>
  `<mrow class="kind-z"><msup><mi>σ</mi><mo>′</mo></msup>${op('(')}${argument}${op(')')}</mrow>`
export const fraction = (above: string, below: string) => `<mfrac>${row(above)}${row(below)}</mfrac>`
/** How the loss moves with something: ∂ℒ/∂z. */
export const rate = (below: string) => fraction(op('∂') + loss(), op('∂') + below)
export const all = (...parts: string[]) => row(...parts)
