import { describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../file/safetensors.js";
import { sizeOf } from "../graph/types.js";
import { buildModel } from "./build-model.js";
import {
  decodeFloatModel,
  encodeFloatModel,
  type FloatModel,
  floatModelGraph,
  scalarInputs,
} from "./float-model.js";

function sample(): FloatModel {
  const options = { classes: 3, input: [1, 8, 8] as const, widths: [4, 4] };
  const graph = buildModel("bnext", options);
  const tensors = Object.fromEntries(
    Object.entries(graph.tensors).map(([key, { shape }], n) => [
      key,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => n + i / 8) },
    ]),
  );
  const preprocess = {
    size: [8, 8],
    channels: 1,
    crop: "none",
    interpolation: "bilinear",
  } as const;
  return {
    architecture: { name: "bnext", options },
    tensors,
    labels: ["a", "b", "c"],
    preprocess: { ...preprocess, size: [8, 8], mean: [0.5], std: [0.25] },
    card: { seed: 1 },
  };
}

describe("float model", () => {
  it("gives back what was written", () => {
    const model = sample();
    expect(decodeFloatModel(encodeFloatModel(model))).toEqual(model);
    expect(floatModelGraph(model, 2).inputs[0].shape).toEqual([2, 1, 8, 8]);
  });

  it("reads the temperature from the tensors that mirror it", () => {
    const model = sample();
    const graph = floatModelGraph(model);
    const mirrors = Object.keys(graph.tensors).filter(
      (key) => graph.tensors[key].kind === "mirror",
    );
    const largest = Math.max(...mirrors.map((key) => model.tensors[key].data[0]));
    expect(scalarInputs(graph, model.tensors)).toEqual({ temperature: largest });
  });

  const changed = (
    edit: (file: { metadata: { [k: string]: string }; tensors: { [k: string]: never } }) => void,
  ) => {
    const file = structuredClone(readSafetensors(encodeFloatModel(sample())));
    edit(file as never);
    return writeSafetensors(file);
  };
  it.each([
    [
      "a foreign safetensors file",
      () =>
        changed((f) => {
          delete f.metadata["onebit-model"];
        }),
      /not a onebit model/,
    ],
    [
      "a later format",
      () =>
        changed((f) => {
          f.metadata["onebit-model"] = '{"format":9}';
        }),
      /format 9 is unknown/,
    ],
    [
      "a missing tensor",
      () =>
        changed((f) => {
          delete f.tensors["fc.bias"];
        }),
      /missing fc.bias; unexpected none/,
    ],
    [
      "a foreign tensor",
      () =>
        changed((f) => {
          f.tensors.extra = f.tensors["fc.bias"];
        }),
      /unexpected extra/,
    ],
    [
      "a wrong shape",
      () =>
        changed((f) => {
          f.tensors["fc.bias"] = { ...(f.tensors["fc.bias"] as object), shape: [3, 1] } as never;
        }),
      /fc.bias: shape \[3\] wanted/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeFloatModel(bytes())).toThrow(message);
  });
});
