import type { Study } from "../study/study.js";
import { smallReactnet } from "./small.js";

/**
 * ReActNet's ablation on small images: activations and thresholds, each with each, then a teacher. The
 * published order on ImageNet: nothing, PReLU, RSign, RPReLU, RSign and RPReLU.
 */
export const reactnet: Study = {
  name: "reactnet",
  question: "What do RSign, RPReLU and the distribution loss each add to a binary MobileNet?",
  source: "ReActNet (arXiv 2003.03488), table of its ablation",
  ...smallReactnet,
  overrides: { ...smallReactnet.overrides, epochs: 4 },
  seeds: 3,
  variants: [
    { name: "baseline", switches: { activation: "none", rsign: false } },
    { name: "prelu", switches: { activation: "prelu", rsign: false } },
    { name: "rprelu", switches: { activation: "rprelu", rsign: false } },
    { name: "rsign", switches: { activation: "none", rsign: true } },
    { name: "rsign-prelu", switches: { activation: "prelu", rsign: true } },
    { name: "rsign-rprelu", about: "ReActNet", switches: { activation: "rprelu", rsign: true } },
    { name: "float", about: "float twin, the teacher", overrides: { form: "real" } },
    {
      name: "distribution",
      about: "ReActNet that learns from its float twin's probabilities",
      overrides: { loss: "distribution" },
      teachers: [{ variant: "float" }],
    },
  ],
  compare: {
    pairs: [
      ["baseline", "prelu"],
      ["baseline", "rsign"],
      ["baseline", "rprelu"],
      ["prelu", "rprelu"],
      ["prelu", "rsign-prelu"],
      ["rprelu", "rsign-rprelu"],
      ["baseline", "rsign-rprelu"],
      ["rsign-rprelu", "distribution"],
      ["rsign-rprelu", "float"],
    ],
  },
  measures: ["test.top1", "gap"],
};
