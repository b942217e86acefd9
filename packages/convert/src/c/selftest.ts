import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { normaliseTable } from "../integer/images.js";
import { planes } from "../integer/ranges.js";
import { type Facts, inputsOf } from "./files.js";
import { constArray, words } from "./text.js";

/** Images that the self-test runs. */
const IMAGES = 3;

/** Byte i of image n: the same in the file that is written. */
const byteOf = (n: number, i: number) => (Math.imul(n * 7_919 + i + 1, 2_654_435_761) >>> 24) & 255;

/** A program that runs images made by a formula and compares the bits of the scores with onebit's. */
export async function selftestOf(facts: Facts): Promise<string> {
  const { name, shape, network } = facts;
  const upper = name.toUpperCase();
  const images = Array.from({ length: IMAGES }, (_, n) =>
    Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => byteOf(n, i)),
  );
  const scores = await scoresOf(facts, images);
  const [type, run, number] = inputsOf(facts).bytes
    ? ["uint8_t", `${name}_run`, "byte_of(n, i)"]
    : ["float", `${name}_run_floats`, "(float)byte_of(n, i) / 128.0f - 1.0f"];
  const whose = network ? "onebit's whole numbers" : "onebit's reference";
  return `/* Compares scores of images made by a formula with those of ${whose}, bit for bit. */
#include "${name}.h"

#include <stdio.h>
#include <string.h>

${constArray("uint32_t", "wanted", words(new Int32Array(scores.buffer)))}

static uint8_t byte_of(uint32_t n, uint32_t i)
{
  return (uint8_t)(((n * 7919u + i + 1u) * 2654435761u) >> 24);
}

int main(void)
{
  static ${type} image[${upper}_HEIGHT * ${upper}_WIDTH * ${upper}_CHANNELS];
  static float scores[${upper}_CLASSES];
  int wrong = 0;
  for (uint32_t n = 0; n < ${IMAGES}u; n++) {
    for (uint32_t i = 0; i < sizeof image / sizeof image[0]; i++) image[i] = ${number};
    if (${run}(image, scores) != 0) return 2;
    if (memcmp(scores, &wanted[n * ${upper}_CLASSES], sizeof scores) != 0) wrong++;
  }
  printf("%d of ${IMAGES} images: other scores than onebit's\\n", wrong);
  return wrong == 0 ? 0 : 1;
}
`;
}

async function scoresOf(facts: Facts, images: readonly Uint8Array[]): Promise<Float32Array> {
  const { file, program, network, shape, classes } = facts;
  const [height, width, channels] = shape;
  const table = file.preprocess && normaliseTable(file.preprocess);
  const floatsOf = (bytes: Uint8Array) =>
    Float32Array.from(bytes, (byte, i) =>
      table ? table[256 * (i % channels) + byte] : byte / 128 - 1,
    );
  const all = new Float32Array(images.length * classes);
  if (network) {
    images.forEach((bytes, n) => {
      all.set(network.run(floatsOf(bytes)), n * classes);
    });
    return all;
  }
  using model = await load(await writeOnebit({ ...file, program }), { backend: "reference" });
  for (const [n, bytes] of images.entries()) {
    const { logits } = file.preprocess
      ? await model.features({ data: bytes, width, height })
      : await model.run({
          shape: [1, channels, height, width],
          data: planes(floatsOf(bytes), channels),
        });
    all.set(logits.data, n * classes);
  }
  return all;
}
