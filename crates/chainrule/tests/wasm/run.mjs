// Runs the module's training runs and prints the digests of each, in single and in double precision: node run.mjs MODULE
import { readFile } from "node:fs/promises";

const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]), {});
const { count, train_single, train_double, digest } = instance.exports;

for (let index = 0; index < count(); index++) {
  for (const train of [train_single, train_double]) {
    train(index);
    const digests = [0, 1, 2].map((which) => BigInt.asUintN(64, digest(which)).toString(16).padStart(16, "0"));
    console.log(digests.join(" "));
  }
}
