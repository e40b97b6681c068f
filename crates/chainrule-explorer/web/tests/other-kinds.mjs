// Models of layers of other kinds than dense ones: what the program trains for a table; and one with a scale before its first dense
// layer and a layer norm behind it, which the program itself does not train: a trained model file, taken apart and written with two
// layers more.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The rows that `cells` gives as a table in a new folder, and paths in it. */
function tableOf(cells, ...names) {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-page-'))
  const paths = ['table.csv', ...names].map((name) => join(folder, name))
  const rows = Array.from({ length: 40 }, (_, i) => cells(i).join())
  writeFileSync(paths[0], ['a,b,c,kind', ...rows, ''].join('\n'))
  return { paths, remove: () => rmSync(folder, { recursive: true }) }
}

/** The standard output of the program. */
function run(...words) {
  const { status, stdout, stderr } = spawnSync(process.env.CHAINRULE, words)
  if (status !== 0) throw new Error(`chainrule ${words[0]}: ${stderr}`)
  return stdout
}

/** A model of the default preset, on numbers that may be missing and a category of many values; { model, table, trace, remove }, with
 * the trace of rows 0 to 2 as the program prints it. Without dropout, whose layers the page leaves out. */
export function modelOfTable() {
  const { paths, remove } = tableOf((i) => [i % 3 ? Math.sin(i) : '', Math.cos(2 * i), `city ${i % 10}`, i % 2 ? 'yes' : 'no'], 'model.safetensors')
  const [table, model] = paths
  run('train', table, '--preset', 'default', '--layers', '4,3', '--dropout', '0', '--epochs', '3', '-o', model)
  const trace = JSON.parse(run('trace', model, table, '--rows', '0..3', '--json')).trace
  return { model, table, trace, remove }
}

/** { model, table, remove }: two files, and what removes them. */
export function modelOfOtherKinds() {
  const cells = (i) => [Math.sin(i), Math.cos(2 * i), Math.sin(5 * i), i % 2 ? 'yes' : 'no']
  const { paths, remove } = tableOf(cells, 'trained.safetensors', 'model.safetensors')
  const [table, trained, model] = paths
  run('train', table, '--preset', 'fast', '--layers', '3,5,2', '--epochs', '1', '-o', trained)

  const file = readFileSync(trained)
  const end = 8 + Number(file.readBigUInt64LE())
  const { __metadata__: metadata, ...tensors } = JSON.parse(file.subarray(8, end))
  const of = (name) => ({ shape: tensors[name].shape, bytes: file.subarray(end + tensors[name].data_offsets[0], end + tensors[name].data_offsets[1]) })
  const numbers = (...values) => ({ shape: [values.length], bytes: Buffer.from(new Float32Array(values).buffer) })
  const description = JSON.parse(metadata.chainrule)
  const [first, last] = description.network.layers
  description.network.layers = [{ scale: {} }, first, { layer_norm: {} }, last]
  const written = {
    'layers.0.weight': numbers(1.5, 0.5, -1),
    'layers.1.weight': of('layers.0.weight'),
    'layers.1.bias': of('layers.0.bias'),
    'layers.2.weight': numbers(1, 1.25, 0.75, 1, 0.5),
    'layers.2.bias': numbers(0, 0.1, 0, -0.1, 0),
    'layers.3.weight': of('layers.1.weight'),
    'layers.3.bias': of('layers.1.bias'),
  }
  let at = 0
  const header = { __metadata__: { ...metadata, chainrule: JSON.stringify(description) } }
  for (const [name, { shape, bytes }] of Object.entries(written)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, (at += bytes.length)] }
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(model, Buffer.concat([length, text, ...Object.values(written).map(({ bytes }) => bytes)]))
  return { model, table, remove }
}
