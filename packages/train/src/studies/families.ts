import type { Study } from "../study/study.js";

const resnet = (width: number) => ({ width, stem: "small", depths: [2, 2, 2, 2] }) as const;

/**
 * Fourteen networks of twelve families at about the 26.7 million 1-bit MACs of bnext-nano (25.4 to 31.6), with one
 * optimiser, from the labels: 4,050 small steps, because what slow families lack is steps. Stems are what their authors
 * have, so that real MACs differ.
 */
export const families: Study = {
  name: "families",
  question: "Which family's units learn most at equal 1-bit multiply-adds?",
  source:
    "the comparison of ReActNet (arXiv 2003.03488) and BNext (arXiv 2211.12933) with those before them",
  data: "glyphs",
  validation: 0.1,
  recipe: "plain",
  overrides: {
    epochs: 6,
    batch: 16,
    microBatch: 16,
    schedule: { learningRate: 2e-3, warmupEpochs: 0.3, warmupLearningRate: 1e-4 },
    temperature: { binaryAt: 0 },
  },
  seeds: 3,
  variants: [
    { name: "bnext-nano", model: "bnext-nano" },
    { name: "reactnet-nano", model: "reactnet-nano" },
    { name: "bnext-18", model: "bnext-18", switches: resnet(14) },
    { name: "reactnet-18", model: "reactnet-18", switches: resnet(22) },
    { name: "bireal-18", model: "bireal-18", switches: resnet(22) },
    { name: "xnor-resnet-18", model: "xnor-resnet-18", switches: resnet(14) },
    { name: "real-to-binary", model: "real-to-binary", switches: { width: 56 } },
    {
      name: "binary-densenet",
      model: "binary-densenet-28",
      switches: { width: 28, depths: [2, 2, 2, 2], stem: "small" },
    },
    { name: "meliusnet", model: "meliusnet-22", switches: { width: 48, depths: [3, 3, 3, 3] } },
    { name: "quicknet", model: "quicknet", switches: { widths: [60, 120, 240, 240] } },
    {
      name: "pokebnn",
      model: "pokebnn-0.75x",
      switches: { depths: [3, 3, 2, 2] },
    },
    { name: "bdnet", model: "bdnet-nano", switches: { widths: [90, 180, 360, 360, 360] } },
    {
      name: "xnor-nin",
      model: "xnor-nin",
      switches: { widths: [68, 68, 34, 68, 68, 68, 68, 68] },
    },
    {
      name: "binarynet-vgg",
      model: "binarynet-vgg",
      switches: { widths: [26, 26, 52, 52, 104, 104, 256, 256] },
    },
  ],
  compare: { baseline: "bnext-nano" },
  measures: ["test.top1", "gap"],
};
