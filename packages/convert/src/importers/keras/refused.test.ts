import { OnebitError } from "onebit";
import { describe, expect, it } from "vitest";
import type { KerasFileOptions, TestLayer } from "../test-support/keras-files.js";
import { array, input, network, positive, read, told } from "../test-support/keras-network.js";

describe("what cannot be read is refused with its place", () => {
  const changed = (name: string, config: object, kind?: string) =>
    network.map((layer) =>
      layer.name === name
        ? { ...layer, kind: kind ?? layer.kind, config: { ...layer.config, ...config } }
        : layer,
    );
  it.each<[string, readonly TestLayer[], RegExp, KerasFileOptions?]>([
    [
      "a layer that is not known",
      changed("act", {}, "LSTM"),
      /layer act \(LSTM\): is a layer that onebit does not know; these are: Conv2D/,
    ],
    ["code", changed("act", {}, "Lambda"), /layer act \(Lambda\)/],
    [
      "a ternary quantiser",
      changed("conv", { kernel_quantizer: "ste_tern" }),
      /layer conv \(QuantConv2D\): its kernel_quantizer ste_tern is ternary; onebit packs signs/,
    ],
    [
      "a quantiser of several bits",
      changed("conv", { input_quantizer: { class_name: "DoReFaQuantizer", config: {} } }),
      /DoReFaQuantizer is of several bits/,
    ],
    [
      "a quantiser of one's own",
      changed("conv", { kernel_quantizer: { class_name: "MySign", config: {} } }),
      /"MySign", which only the code that trained it knows/,
    ],
    [
      "a function without a name",
      changed("conv", { kernel_quantizer: { class_name: "function", config: "<lambda>" } }),
      /"<lambda>", which only the code that trained it knows/,
    ],
    [
      "other pad values",
      changed("conv", { pad_values: 0.5 }),
      /layer conv .*pad_values is 0\.5; 0, 1 and -1/,
    ],
    [
      "a network that is not binary",
      changed("conv", { kernel_quantizer: null, input_quantizer: null, pad_values: 0 }),
      /no layer with binary weights/,
    ],
    [
      "weights that should be signs",
      changed("conv", { kernel_quantizer: "NoOp" }),
      /neither -1 nor 1/,
    ],
    [
      "an average over the border",
      changed(
        "halved",
        { padding: "same", pool_size: [4, 4], strides: [2, 2] },
        "AveragePooling2D",
      ),
      /average pool whose windows reach over the border/,
    ],
    [
      "channels first",
      changed("stem", { data_format: "channels_first" }),
      /layer stem .*data_format is "channels_first"/,
    ],
    [
      "channels first, flattened",
      changed("pool", { data_format: "channels_first" }, "Flatten"),
      /layer pool \(Flatten\): its data_format is "channels_first"/,
    ],
    [
      "slopes for every pixel",
      network.map((layer) =>
        layer.name === "act" ? { ...layer, arrays: { alpha: array(3, 3, 8) } } : layer,
      ),
      /shared_axes=\[1, 2\]/,
    ],
    [
      "an array that is missing",
      network.map((layer) =>
        layer.name === "bn1" ? { ...layer, arrays: { gamma: positive(8) } } : layer,
      ),
      /layer bn1 .*its array beta is not in the file; there are gamma/,
    ],
    [
      "an array of another shape",
      network.map((layer) =>
        layer.name === "conv" ? { ...layer, arrays: { kernel: array(3, 3, 4, 8) } } : layer,
      ),
      /layer conv .*kernel is for 4 channels, its input has 8/,
    ],
    [
      "two outputs",
      network,
      /2 outputs \(a, b\); a classifier has one/,
      {
        modelConfig: {
          class_name: "Functional",
          config: {
            layers: [],
            output_layers: [
              ["a", 0, 0],
              ["b", 0, 0],
            ],
          },
        },
      },
    ],
    [
      "a model that is code",
      network,
      /the class MyModel is code/,
      { modelConfig: { class_name: "MyModel", config: {} } },
    ],
    [
      "weights without their network",
      network,
      /weights without their network \(11 layers: in, stem, bn0, halved, \.\.\.\)/,
      { config: false },
    ],
    [
      "weights whose layers are not listed",
      network,
      /weights without their network, and none/,
      { config: false, unlisted: true },
    ],
    [
      "compression",
      network,
      /model_weights\/act\/act\/alpha:0: is compressed \(gzip\).*h5repack/,
      { compression: true },
    ],
    [
      "a link to another file",
      network,
      /lies in another file \(elsewhere\.h5\)/,
      { externalLink: true },
    ],
    [
      "layers in a circle",
      network.map((layer) => (layer.name === "stem" ? { ...layer, inputs: ["act"] } : layer)),
      /reads itself, by way of others/,
    ],
  ])("%s", async (_, layers, message, file) => {
    const refusal = await read(layers, file).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OnebitError);
    expect(String(refusal)).toMatch(/net\.h5: /);
    expect(String(refusal)).toMatch(message);
  });

  it("an input whose size is open, unless it is told", async () => {
    const open = [
      input(null as unknown as number, null as unknown as number, 3),
      ...network.slice(1),
    ];
    await expect(read(open)).rejects.toThrow(/--input 3x224x224/);
    const { report } = await read(open, {}, { ...told, input: [3, 9, 9] });
    expect(report.input).toEqual([3, 9, 9]);
  });
});
