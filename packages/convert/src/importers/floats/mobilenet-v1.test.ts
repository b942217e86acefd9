import { readFileSync } from "node:fs";
import { evaluate, type Tensor } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../../core/src/test-support/close.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { runOnnx } from "../../../../core/src/test-support/run-onnx.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { fields, textOf } from "../../onnx/protobuf.js";
import { importCheckpoint } from "../import-checkpoint.js";
import {
  checkpointOf,
  rename,
  type Tensors,
  under,
  weightsOf,
} from "../test-support/checkpoints.js";

const options = { widths: [4, 8, 16, 16], classes: 5, input: [3, 32, 32] } as const;

/** marvis' keys as timm writes them. */
function asTimm(tensors: Tensors): void {
  rename(tensors, /^model\.0\.0\./, "conv_stem.");
  rename(tensors, /^model\.0\.1\./, "bn1.");
  rename(tensors, /^fc\./, "classifier.");
  const blocks = [
    "0.0",
    "1.0",
    "1.1",
    "2.0",
    "2.1",
    "3.0",
    "3.1",
    "3.2",
    "3.3",
    "3.4",
    "3.5",
    "4.0",
    "4.1",
  ];
  blocks.forEach((block, i) => {
    for (const [place, module] of [
      [0, "conv_dw"],
      [1, "bn1"],
      [3, "conv_pw"],
      [4, "bn2"],
    ] as const) {
      rename(tensors, new RegExp(`^model\\.${i + 1}\\.${place}\\.`), `blocks.${block}.${module}.`);
    }
  });
}

describe("MobileNetV1", () => {
  const tensors = weightsOf("mobilenet-v1", options);

  it("of marvis' keys, below DataParallel", async () => {
    const file = checkpointOf(under("state_dict.module.", tensors));
    const { model, report } = await importCheckpoint(file);
    expect(report).toMatchObject({ family: "mobilenet-v1", arch: "mobilenet-v1", binary: false });
    expect(report).toMatchObject({ widths: options.widths, input: [3, 224, 224], classes: 5 });
    expect(model.tensors).toEqual(tensors);
    expect(model.preprocess).toMatchObject({ resize: 256, mean: [0.485, 0.456, 0.406] });
  });

  it("of timm's keys clips at 6 and takes other images", async () => {
    const { model, report } = await importCheckpoint(checkpointOf(tensors, asTimm));
    expect(report.switches).toEqual({ widths: options.widths, activation: "relu6" });
    expect(model.tensors).toEqual(tensors);
    expect(model.preprocess).toMatchObject({ interpolation: "bicubic", std: [0.5, 0.5, 0.5] });
    expect(report.notes.join()).toContain("the keys are timm's");
  });

  it("of the published widths is told by its name alone", async () => {
    const { report } = await importCheckpoint(
      checkpointOf(weightsOf("mobilenet-v1", { classes: 1000, input: [3, 32, 32] })),
    );
    expect(report.switches).toEqual({});
    expect(report.notes.join()).toContain("ImageNet's names");
  });

  it("is not what timm's other networks with such blocks are", async () => {
    const second = checkpointOf(tensors, (edited) => {
      asTimm(edited);
      edited["blocks.1.0.conv_pwl.weight"] = edited["conv_stem.weight"];
    });
    await expect(importCheckpoint(second)).rejects.toThrow("the network is not recognised");
  });
});

/** The weights in an ONNX file, by name. */
function initialisers(bytes: Uint8Array): Tensors {
  const graph = [...fields(bytes)].find(({ number }) => number === 7)!;
  const stored = [...fields(graph.bytes)].filter(({ number }) => number === 5);
  return Object.fromEntries(
    stored.map(({ bytes: tensor }) => {
      const parts = [...fields(tensor)];
      const name = textOf(parts.find(({ number }) => number === 8)!.bytes);
      const raw = Uint8Array.from(parts.find(({ number }) => number === 9)?.bytes ?? []);
      const shape = parts.filter(({ number }) => number === 1).map(({ value }) => value);
      return [name, { shape, data: new Float32Array(raw.buffer) }];
    }),
  );
}

/** Upside down and left to right: planes read backwards. */
function turned({ shape, data }: Tensor): Tensor {
  const plane = shape[2] * shape[3];
  const back = data.map((_, i) => data[i - (i % plane) + plane - 1 - (i % plane)]);
  return { shape, data: back };
}

/** A batch-norm that only adds a bias. */
function biasNorm(key: string, { shape, data }: Tensor): Tensors {
  const filled = (value: number) => ({ shape, data: new Float32Array(data.length).fill(value) });
  return {
    [`${key}.weight`]: filled(1),
    [`${key}.bias`]: { shape, data },
    [`${key}.running_mean`]: filled(0),
    [`${key}.running_var`]: filled(1 - 1e-5),
  };
}

/**
 * TensorFlow pads a strided convolution of an even map behind only, PyTorch before and behind. Turned
 * around, image and kernels alike, the two are the same: the last padding is never read.
 */
it("Google's 0.25 x 128 has the same logits as its ONNX file, turned around", async () => {
  const path = shared("data/weights/onnx/mobilenet_v1_0.25_128_f32.onnx");
  if (!path) return;
  const bytes = readFileSync(path);
  const weights = initialisers(bytes);
  const tensors: Tensors = {};
  for (let i = 0; i < 27; i++) {
    const [block, at] = i === 0 ? [0, 0] : [Math.ceil(i / 2), i % 2 ? 0 : 3];
    const key = `model.${block}`;
    tensors[`${key}.${at}.weight`] = turned(weights[`w${i}`]);
    Object.assign(tensors, biasNorm(`${key}.${at + 1}`, weights[`b${i}`]));
  }
  const [classes, features] = weights.w28.shape;
  tensors["fc.weight"] = { shape: [classes, features], data: weights.w28.data };
  tensors["fc.bias"] = weights.b28;
  const file = checkpointOf(tensors, asTimm);
  const { model, report } = await importCheckpoint(file, { input: [3, 128, 128] });
  expect(report.switches.widths).toEqual([8, 16, 32, 32, 64, 64, ...Array(6).fill(128), 256, 256]);
  const image = randomImages([1, 3, 128, 128], 9);
  const { logits } = await runOnnx(bytes, { input: image });
  const graph = floatModelGraph(model);
  const own = evaluate(graph, { x: turned(image) }, model.tensors).outputs.logits;
  expectClose(own.data, logits.data, 1e-5, "logits");
});
