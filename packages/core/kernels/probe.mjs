/**
 * Which kernel of binary convolutions is fastest here, for each shape class of a packed network:
 *
 *   node packages/core/kernels/probe.mjs net.onebit    after npm run build
 *
 * Prints the kernel measured, the estimate where it is another, and how long the probe took.
 */
import { readFile } from "node:fs/promises";
import { readOnebit } from "../dist/file/index.js";
import { estimatedKernel, classKey } from "../dist/runtime/backends/wasm/kernel-choice.js";
import { probeKernels } from "../dist/runtime/backends/wasm/fastest-kernels.js";
import { measuredKernels, unmeasuredClasses } from "../dist/runtime/backends/wasm/measured-kernels.js";

const { program } = await readOnebit(await readFile(process.argv[2]));
const shapes = unmeasuredClasses(program);
const start = performance.now();
await probeKernels(shapes);
const took = performance.now() - start;
for (const { step, input } of shapes) {
  const kernel = measuredKernels.get(classKey(step, input));
  const estimate = estimatedKernel(step, input);
  const other = kernel === estimate ? "" : `   estimated: ${estimate}`;
  console.log(`${step.kernel.join("x")} ${input[2]} to ${step.out}, ${input[0]}x${input[1]}`.padEnd(32), kernel + other);
}
console.log(`${shapes.length} shape classes in ${took.toFixed(0)} ms`);
