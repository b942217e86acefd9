import { OnebitError } from "onebit";
import { describe, expect, it } from "vitest";
import type { TestOperator, TfliteFileOptions } from "../test-support/tflite-files.js";
import {
  axes,
  type Constants,
  options,
  pooled,
  quantize,
  read,
  signs,
} from "../test-support/tflite-network.js";

describe("what cannot be read is refused with its place", () => {
  const { packed } = signs(4, 3, 3);
  const four = { shape: [4], data: new Float32Array(4).fill(1) };
  const constants: Constants = { w: packed, m: four, b: four, axes };
  const conv = (custom: object = {}, rest: Partial<TestOperator> = {}): TestOperator => ({
    op: "LceBconv2d",
    inputs: ["x.bits", "w", "m", "b", ""],
    out: ["c", [1, 5, 5, 4]],
    custom: { ...options, channels_in: 3, ...custom },
    ...rest,
  });
  const with1 = (operator: TestOperator): readonly TestOperator[] => [
    quantize("x", [1, 5, 5, 3]),
    operator,
    pooled("c", 4),
  ];
  const where = "operator 1, LceBconv2d, that makes c";
  it.each<[string, readonly TestOperator[], string | RegExp, Constants?, TfliteFileOptions?]>([
    [
      "a standard operator that is not known",
      with1({ ...conv(), op: 16 }),
      /operator 1, LSTM, that makes c: is an operator that onebit does not know/,
    ],
    [
      "a custom one",
      with1({ ...conv(), op: "TFLite_Detection_PostProcess" }),
      /TFLite_Detection_PostProcess.*does not know/,
    ],
    ["another version", with1(conv({}, { version: 2 })), `${where}: its version is 2; 1 is known`],
    ["other pad values", with1(conv({ pad_values: 2 })), `${where}: its pad_values is 2`],
    [
      "zeros around bits that have an activation",
      with1(conv({ fused_activation_function: 1 })),
      /pads with zeros and writes bits or has a fused activation/,
    ],
    [
      "an activation that is none",
      with1(conv({ fused_activation_function: 9 })),
      /fused activation 9 is not known/,
    ],
    ["a padding that is none", with1(conv({ padding: 7 })), /padding 7 is neither SAME nor VALID/],
    ["a stride of 0", with1(conv({ stride_width: 0 })), /stride 1,0 .*must be positive/],
    [
      "other channels",
      with1(conv({ channels_in: 64 })),
      `${where}: its channels_in is 64, its input has 3 channels`,
    ],
    [
      "a dilation that pads a map beyond memory",
      with1(conv({ dilation_height_factor: 2 ** 30, pad_values: 1 })),
      /c\.sums: with 1073741824 and 1 rows and columns before it .*more than 67108864 numbers/,
    ],
    [
      "a slice whose ends count from its begins",
      [
        ...with1(conv()).slice(0, 2),
        {
          ...{ op: 45, inputs: ["c", "begin", "end", "ones"], out: ["z", [1, 5, 5, 2]] },
          options: [{ i32: 7 }, { i32: 7 }, { i32: 0 }, { i32: 0 }, { i32: 0 }, { i8: 1 }],
        },
        pooled("z", 2),
      ],
      /STRIDED_SLICE, that makes z: its ends count from its begins/,
      {
        ...constants,
        begin: { shape: [4], data: Int32Array.of(0, 0, 0, 1) },
        end: { shape: [4], data: Int32Array.of(0, 0, 0, 2) },
        ones: { shape: [4], data: Int32Array.of(1, 1, 1, 1) },
      },
    ],
    [
      "channels that are put on one side and taken on the other",
      [
        ...with1(conv()).slice(0, 2),
        { op: 34, inputs: ["c", "pads"], out: ["z", [1, 5, 5, 4]] },
        pooled("z", 4),
      ],
      /PAD, that makes z: it pads images or channels/,
      { ...constants, pads: { shape: [4, 2], data: Int32Array.of(0, 0, 0, 0, 0, 0, 1, -1) } },
    ],
    [
      "options that are missing",
      with1({ ...conv(), custom: { padding: 0 } }),
      /its option channels_in is missing/,
    ],
    [
      "weights for another input",
      with1(conv()),
      /its weights have 2 words for each position/,
      { ...constants, w: { shape: [4, 3, 3, 2], data: new Int32Array(72) } },
    ],
    [
      "multipliers for other outputs",
      with1(conv()),
      /its input 2 has the shape \[3\]/,
      { ...constants, m: { shape: [3], data: new Float32Array(3) } },
    ],
    [
      "an input that is not bit-packed",
      [conv({}, { inputs: ["x", "w", "m", "b", ""] }), pooled("c", 4)],
      /its input 0 is not bit-packed/,
    ],
    ["a network that is not binary", [pooled("x", 3)], /no binary convolution \(LceBconv2d\)/],
    [
      "a table of numbers",
      with1(conv()),
      /its input x is float32 \[1,75\]; an image is wanted/,
      constants,
      { input: [1, 75] },
    ],
    [
      "another version of the format",
      with1(conv()),
      /version 2 of TensorFlow Lite's format; 3 is known/,
      constants,
      { version: 2 },
    ],
    ["several graphs", with1(conv()), /2 graphs: a network has one/, constants, { graphs: 2 }],
  ])("%s", async (_, operators, message, own = constants, file) => {
    const refusal = await read(operators, own, file).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OnebitError);
    expect(String(refusal)).toMatch(/net\.tflite: /);
    expect(String(refusal)).toMatch(message);
  });
});
