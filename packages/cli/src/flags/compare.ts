import { DATA_SPEC } from "@onebit/train/data";
import { againstBackend, backend } from "./backend.js";
import { budgetFlags } from "./budget.js";
import { data, imageCount, limit } from "./data.js";
import type { FlagValues } from "./flag.js";
import { input } from "./input.js";
import { json } from "./json.js";
import { onnxFlags } from "./onnx.js";
import { seed } from "./seed.js";
import { threads } from "./threads.js";

export const images = imageCount
  .means("how many images to generate")
  .excludes(input)
  .excludes(data, "--limit says how many of its images");

export const generatorSeed = seed
  .means("of the generated images")
  .byDefault(0)
  .excludes(input)
  .excludes(data);

/** What verify and bisect have in common: two networks, and the images that they are compared on. */
export const compareFlags = [
  input.means("normalised images [N, C, H, W], instead of generated ones"),
  data.means(`test images of a data set: ${DATA_SPEC}`),
  limit.needs(data, "--images says how many to generate"),
  images,
  generatorSeed,
  backend.means("where the first network runs, if it is packed"),
  againstBackend,
  threads.byDefault(1),
  json,
  ...budgetFlags,
  ...onnxFlags,
] as const;

export type CompareFlags = FlagValues<typeof compareFlags>;
