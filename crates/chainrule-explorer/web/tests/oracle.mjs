// An independent oracle: the five steps as plain loops over the formulas of the textbook, sharing nothing with the program.
const functions = {
  identity: [(z) => z, () => 1],
  relu: [(z) => Math.max(0, z), (z) => (z > 0 ? 1 : 0)],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (z) => Math.exp(-z) / (1 + Math.exp(-z)) ** 2],
  silu: [(z) => z / (1 + Math.exp(-z)), (z) => { const s = 1 / (1 + Math.exp(-z)); return s + z * s * (1 - s) }],
}
const softmax = (z) => { const e = z.map(Math.exp); const sum = e.reduce((s, v) => s + v); return e.map((v) => v / sum) }

/** Every value of one step by name; weights[l-1][j][k], biases[l-1][j], inputs[i][k], targets[i][j]. */
export function step({ weights, biases, activations, loss, inputs, targets, rate }) {
  const L = weights.length, B = inputs.length
  const z = [], a = [inputs], values = { 'a.0': inputs, target: targets }
  for (let l = 1; l <= L; l += 1) {
    z[l] = a[l - 1].map((x) => weights[l - 1].map((w, j) => w.reduce((sum, v, k) => sum + v * x[k], biases[l - 1][j])))
    a[l] = z[l].map((row) => (activations[l - 1] === 'softmax' ? softmax(row) : row.map(functions[activations[l - 1]][0])))
    Object.assign(values, { [`z.${l}`]: z[l], [`a.${l}`]: a[l], [`weight.${l}`]: weights[l - 1], [`bias.${l}`]: [biases[l - 1]] })
  }
  const pairs = (f) => a[L].reduce((sum, row, i) => sum + row.reduce((s, p, j) => s + f(p, targets[i][j]), 0), 0) / B
  const losses = {
    cross_entropy: [(p, y) => (y ? -y * Math.log(p) : 0), (p, y) => -y / p],
    binary_cross_entropy: [(p, y) => -(y * Math.log(p) + (1 - y) * Math.log(1 - p)), (p, y) => (p - y) / (p * (1 - p))],
    half_squared_error: [(p, y) => (p - y) ** 2 / 2, (p, y) => p - y],
  }
  values.loss = [[pairs(losses[loss][0])]]
  const dLda = a[L].map((row, i) => row.map((p, j) => losses[loss][1](p, targets[i][j]) / B))
  const delta = []
  if (activations[L - 1] === 'softmax') {
    delta[L] = a[L].map((p, i) => p.map((pj, j) => p.reduce((sum, pk, k) => sum + dLda[i][k] * pk * ((j === k ? 1 : 0) - pj), 0)))
  } else {
    const slope = z[L].map((row) => row.map(functions[activations[L - 1]][1]))
    Object.assign(values, { [`error.${L}`]: dLda, [`slope.${L}`]: slope })
    delta[L] = dLda.map((row, i) => row.map((e, j) => e * slope[i][j]))
  }
  for (let l = L - 1; l >= 1; l -= 1) {
    const error = delta[l + 1].map((d) => weights[l - 1].map((_, k) => d.reduce((sum, v, j) => sum + v * weights[l][j][k], 0)))
    const slope = z[l].map((row) => row.map(functions[activations[l - 1]][1]))
    delta[l] = error.map((row, i) => row.map((e, j) => e * slope[i][j]))
    Object.assign(values, { [`error.${l}`]: error, [`slope.${l}`]: slope })
  }
  for (let l = 1; l <= L; l += 1) {
    const dW = weights[l - 1].map((w, j) => w.map((_, k) => delta[l].reduce((sum, d, i) => sum + d[j] * a[l - 1][i][k], 0)))
    const db = biases[l - 1].map((_, j) => delta[l].reduce((sum, d) => sum + d[j], 0))
    Object.assign(values, {
      [`delta.${l}`]: delta[l], [`weight_gradient.${l}`]: dW, [`bias_gradient.${l}`]: [db],
      [`updated_weight.${l}`]: weights[l - 1].map((w, j) => w.map((v, k) => v - rate * dW[j][k])),
      [`updated_bias.${l}`]: [biases[l - 1].map((v, j) => v - rate * db[j])],
    })
  }
  return values
}
