/**
 * Which form of binary convolution is fastest here, for each layer shape of a packed network:
 *
 *   node packages/core/kernels/probe.mjs net.onebit    after npm run build
 *
 * Prints the form measured, the estimate where it is another, and how long the probe took.
 */
import { readFile } from "node:fs/promises";
import { readOnebit } from "../dist/file/index.js";
import { estimatedForm, formKey } from "../dist/runtime/backends/wasm/form-choice.js";
import { probeForms } from "../dist/runtime/backends/wasm/form-probe.js";
import { measuredForms, unmeasuredShapes } from "../dist/runtime/backends/wasm/measured-forms.js";

const { program } = await readOnebit(await readFile(process.argv[2]));
const shapes = unmeasuredShapes(program);
const start = performance.now();
await probeForms(shapes);
const took = performance.now() - start;
for (const { step, input } of shapes) {
  const form = measuredForms.get(formKey(step, input));
  const estimate = estimatedForm(step, input);
  const other = form === estimate ? "" : `   estimated: ${estimate}`;
  console.log(`${step.kernel.join("x")} ${input[2]} to ${step.out}, ${input[0]}x${input[1]}`.padEnd(32), form + other);
}
console.log(`${shapes.length} shapes in ${took.toFixed(0)} ms`);
