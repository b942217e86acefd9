import { type Classifier, type LoadOptions, load, OnebitError, UsageError } from "onebit";
import { drawn, type Random } from "onebit/conformance";
import { type OnebitFile, readOnebit } from "onebit/file";
import { atInputSize, elementCount, joinPools, type Program, withMaps } from "onebit/program";
import { compareOn, expectedOf, requireSame } from "../compare.js";
import type { Outcome } from "../fuzzer.js";
import { trialsFor } from "../subjects.js";

/** Numbers that overflow, vanish or tie, among ordinary ones. */
const SPECIAL = [0, -0, 1, -1, 1e-45, -1e-38, 3e38, -3e38, 1e20, 0.5, 2 ** 24 + 1];

/**
 * Loads the file as users do; where that succeeds, runs one to three images on every backend and
 * compares every bit of every output with the reference's.
 */
export async function judgeFile(bytes: Uint8Array, random: Random): Promise<Outcome> {
  const options = loadOptions(random);
  const model = await loadOrRefusal(bytes, options);
  if (typeof model === "string") return { result: "refused", message: model };
  const file = await readOnebit(bytes);
  const program = programOf(file, options);
  const images = imagesFor(program, random);
  const expected = await expectedOf(program, file.tensors, images);
  const { logits } = await model.run(planesOf(images, program));
  requireSame({ logits: logits.data }, { logits: expected.logits }, `${model.backend}, loaded`);
  await classifyPicture(model, random);
  model.dispose();
  const joined = random.chance(0.5) ? joinPools(program) : program;
  const on = await compareOn(trialsFor(random), joined, file.tensors, images, expected);
  return { result: "ran", on: [`${model.backend}, loaded`, ...on] };
}

/** Now and then at another size, or with narrower maps. */
function loadOptions(random: Random): LoadOptions {
  if (random.chance(0.08)) return { input: [random.int(1, 24), random.int(1, 24)] };
  return random.chance(0.08) ? { maps: "bfloat16" } : {};
}

/** The model, or what the user is told; any other error is none that a file may cause. */
async function loadOrRefusal(
  bytes: Uint8Array,
  options: LoadOptions,
): Promise<Classifier | string> {
  try {
    return await load(bytes, options);
  } catch (error) {
    if (error instanceof OnebitError && !(error instanceof UsageError)) return error.message;
    throw error;
  }
}

/** As load() changes it. */
function programOf({ program, tensors }: OnebitFile, { input, maps }: LoadOptions): Program {
  const sized = input ? atInputSize(program, tensors, input) : program;
  return maps ? withMaps(sized, maps) : sized;
}

/** [N, H, W, C] */
function imagesFor({ values, input }: Program, random: Random): Float32Array {
  const count = random.pick([1, 1, 2, 3]);
  const strange = random.chance(0.2);
  const draw = () =>
    strange && random.chance(0.1) ? random.pick(SPECIAL) : (random.number() - 0.5) * 4;
  return drawn(new Float32Array(count * elementCount(values[input].shape)), draw);
}

/** The same as [N, C, H, W], or [N, C], which Model.run takes. */
function planesOf(images: Float32Array, { values, input }: Program) {
  const { kind, shape: map } = values[input];
  const [height, width, channels] = map;
  const pixels = height * width;
  const count = images.length / (pixels * channels);
  const data = images.map((_, i) => {
    const [n, rest] = [Math.floor(i / (pixels * channels)), i % (pixels * channels)];
    return images[(n * pixels + (rest % pixels)) * channels + Math.floor(rest / pixels)];
  });
  const shape = kind === "vector" ? [count, channels] : [count, channels, height, width];
  return { shape, data };
}

/** Preprocessing comes from the file as well: a picture is classified, or refused with a reason. */
async function classifyPicture(model: Classifier, random: Random): Promise<void> {
  if (!model.info.preprocess || random.chance(0.5)) return;
  const [width, height] = [random.int(1, 12), random.int(1, 12)];
  const data = drawn(new Uint8Array(width * height * 4), () => random.int(0, 255));
  try {
    await model.classify({ data, width, height });
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
  }
}
