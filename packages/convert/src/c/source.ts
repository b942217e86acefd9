import { normaliseTable } from "../integer/images.js";
import { type Facts, inputsOf } from "./files.js";
import { cString } from "./names.js";
import { constArray, float, floats } from "./text.js";

/** NAME.c: labels, the steps, and what users call. */
export function source(facts: Facts): string {
  const { name, classes, code, file, network } = facts;
  const upper = name.toUpperCase();
  const labels = file.labels ?? Array.from({ length: classes }, (_, i) => String(i));
  const { bytes, floats: takesFloats } = inputsOf(facts);
  const parts = [
    network
      ? "/* Written by onebit (export --to c --integer): whole numbers, but for the scores. */"
      : "/* Written by onebit (export --to c). Compile without contraction (-ffp-contract=off) for the reference's bits. */",
    `#include "${name}.h"${network && bytes ? "" : "\n\n#include <math.h>"}`,
    `const char *const ${name}_labels[${upper}_CLASSES] = {\n${labels.map((label) => `  ${cString(label)},`).join("\n")}\n};`,
  ];
  if (network) parts.push(SHIFTS);
  if (network && bytes) parts.push("static const uint8_t *image;");
  parts.push(code.text, scores(facts));
  if (takesFloats) parts.push(runFloats(facts));
  if (bytes) parts.push(network ? runImage(facts) : runBytes(facts));
  return `${parts.join("\n\n")}\n`;
}

const SHIFTS = `/* A compiler that shifts negative numbers in another way would give other scores: it stops here. */
typedef char shifts_keep_the_sign[(-1 >> 1) == -1 ? 1 : -1];`;

function scores({ name, program, code, network }: Facts): string {
  const { logits } = program.outputs;
  const place = code.arena.values[logits];
  const number = network
    ? `(float)arena.s[${2 * place} + i] * ${float(2 ** -network.integers.fractions[logits])}`
    : `arena.f[${place} + i]`;
  return `static void give(float *scores)
{
  for (int32_t i = 0; i < ${name.toUpperCase()}_CLASSES; i++) scores[i] = ${number};
}`;
}

function runFloats(facts: Facts): string {
  const { name, program, code, network } = facts;
  const place = code.arena.values[program.input];
  const set = network
    ? `arena.s[${2 * place} + i] = quantised(given[i])`
    : `arena.f[${place} + i] = given[i]`;
  const run = `int ${name}_run_floats(const float *given, float *scores)
{
  if (!given || !scores) return -1;
  for (int32_t i = 0; i < ${countOf(facts)}; i++) ${set};
  compute();
  give(scores);
  return 0;
}`;
  if (!network) return run;
  const factor = 2 ** network.integers.fractions[program.input];
  return `static int16_t quantised(float x)
{
  const double q = floor((double)x * ${float(factor).slice(0, -1)} + 0.5);
  if (isnan(q)) return 0;
  return (int16_t)(q < -32767.0 ? -32767.0 : q > 32767.0 ? 32767.0 : q);
}

${run}`;
}

const countOf = ({ name }: Facts) => {
  const upper = name.toUpperCase();
  return `${upper}_HEIGHT * ${upper}_WIDTH * ${upper}_CHANNELS`;
};

/** The steps read the bytes themselves. */
function runImage({ name }: Facts): string {
  return `int ${name}_run(const uint8_t *given, float *scores)
{
  if (!given || !scores) return -1;
  image = given;
  compute();
  give(scores);
  return 0;
}`;
}

/** (value / 255 - mean) / std has 256 results for each channel. */
function runBytes(facts: Facts): string {
  const { name, program, code, file, shape } = facts;
  const place = code.arena.values[program.input];
  return `/* (value / 255 - mean) / deviation, for each channel. */
${constArray("float", "normalised", floats(normaliseTable(file.preprocess!)))}

int ${name}_run(const uint8_t *given, float *scores)
{
  if (!given || !scores) return -1;
  for (int32_t i = 0; i < ${countOf(facts)}; i++) {
    arena.f[${place} + i] = normalised[i % ${shape[2]} * 256 + given[i]];
  }
  compute();
  give(scores);
  return 0;
}`;
}
