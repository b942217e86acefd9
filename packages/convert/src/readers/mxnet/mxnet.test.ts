import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shared } from "../../../../core/src/test-support/shared.js";
import { bytes, floats, int, type Part } from "../test-support/bytes.js";
import { openBytes, refusedBytes } from "../test-support/checks.js";
import { parseMxnetSymbol } from "./symbol.js";

const device = [int(1, 4), int(0, 4)];
const data = floats([1, 2, 3, 4, 5, 6]);
const records: Record<string, Part> = {
  "version 0": [int(2, 4), int(2, 4), int(3, 4), device, int(0, 4), data],
  "version 1": [int(0xf993fac8, 4), int(2, 4), int(2, 8), int(3, 8), device, int(0, 4), data],
  "version 2": [
    [int(0xf993fac9, 4), int(0, 4), int(2, 4), int(2, 8), int(3, 8)],
    [device, int(0, 4), data],
  ],
  "version 3": [
    [int(0xf993faca, 4), int(0, 4), int(2, 4), int(2, 8), int(3, 8)],
    [device, int(0, 4), data],
  ],
};
const name = (text: string): Part => [int(text.length, 8), text];
const params = (
  arrays: readonly Part[],
  names: readonly string[],
  count = arrays.length,
): Uint8Array =>
  bytes([int(0x112, 8), int(0, 8), int(count, 8)], arrays, int(names.length, 8), names.map(name));

describe("params", () => {
  test.each(Object.entries(records))("arrays of %s", async (_, record) => {
    const file = params([record, record], ["arg:a", "aux:b"]);
    const { format, tensors } = await openBytes(file);
    expect(format).toBe("mxnet-params");
    expect([...tensors.keys()]).toEqual(["arg:a", "aux:b"]);
    expect(tensors.get("aux:b")?.shape).toEqual([2, 3]);
    expect([...(await tensors.get("aux:b")!.floats())]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("without names; an array of rank 0", async () => {
    const scalar = [int(0xf993faca, 4), int(0, 4), int(0, 4), device, int(1, 4), int(0n, 8)];
    const { tensors } = await openBytes(params([records["version 0"], scalar], []));
    expect([...tensors.values()].map(({ key, shape, dtype }) => [key, shape, dtype])).toEqual([
      ["0", [2, 3], "float32"],
      ["1", [], "float64"],
    ]);
  });

  const record = (...parts: Part[]): Uint8Array => params([parts], ["a"]);
  const old = records["version 0"];
  test.each<[string, Uint8Array, RegExp]>([
    ["sparse arrays", record(int(0xf993fac9, 4), int(1, 4), new Uint8Array(40)), /sparse/],
    [
      "2^40 elements",
      record(int(2, 4), int(2 ** 20, 4), int(2 ** 20, 4), device, int(0, 4)),
      /does not fit in the file/,
    ],
    [
      "2^126 elements",
      record(
        int(0xf993fac8, 4),
        int(2, 4),
        int(2n ** 53n - 1n, 8),
        int(2n ** 53n - 1n, 8),
        device,
        int(0, 4),
      ),
      /more elements than any file/,
    ],
    [
      "a size of 2^63",
      record(int(0xf993fac8, 4), int(1, 4), int(2n ** 63n, 8), device, int(0, 4)),
      /no file holds/,
    ],
    ["rank 0", record(int(0, 4), new Uint8Array(20)), /rank 0/],
    ["rank 2^32 - 1", record(int(0xffffffff, 4), new Uint8Array(20)), /rank 4294967295/],
    ["type 99", record(int(1, 4), int(1, 4), device, int(99, 4), floats([1])), /element type 99/],
    ["type -1", record(int(1, 4), int(1, 4), device, int(-1, 4), floats([1])), /element type -1/],
    ["device 0", record(int(1, 4), int(1, 4), int(0, 8), int(0, 4), floats([1])), /device 0/],
    ["2^40 arrays", params([old], ["a"], 2 ** 40), /do not fit/],
    ["more arrays than there are", params([old], ["a"], 2), /./],
    ["fewer arrays than there are", params([old, old], ["a", "b"], 1), /./],
    ["fewer names than arrays", params([old, old], ["a"]), /2 arrays but 1 name/],
    ["a name twice", params([old, old], ["a", "a"]), /two tensors are named a/],
    ["bytes behind the names", bytes(params([old], ["a"]), 0), /bytes follow the last name/],
    ["control characters in a name", params([old], ["a\n"]), /control characters/],
  ])("%s: refused", (_, file, message) => refusedBytes(file, message));

  test("truncation at any byte", async () => {
    const whole = params([old, records["version 2"]], ["arg:a", "arg:b"]);
    for (let length = 0; length < whole.length; length++) {
      await refusedBytes(whole.slice(0, length), /./);
    }
  });
});

describe("the published binary ResNet-18", () => {
  const folder = "data/weights/bmxnet/binarized_cifar10-resnet18-64bit";

  test("its arrays are the inputs that its symbol names", async () => {
    const path = shared(`${folder}-0000.params`);
    const symbolPath = shared(`${folder}-symbol.json`);
    if (!path || !symbolPath) return;
    const { tensors } = await openBytes(readFileSync(path));
    const { nodes, heads } = parseMxnetSymbol(readFileSync(symbolPath, "utf8"));
    const inputs = nodes.filter((node) => node.op === "null").map((node) => node.name);
    const named = [...tensors.keys()].map((key) => key.replace(/^(arg|aux):/, ""));
    expect(inputs.filter((input) => !named.includes(input))).toEqual(["data", "softmax_label"]);
    expect(named.filter((key) => !inputs.includes(key))).toEqual([]);
    expect(heads.map(([node]) => nodes[node].op)).toEqual(["SoftmaxOutput"]);
  });

  test("every parameter has the size that its layer's attributes ask for", async () => {
    const path = shared(`${folder}-0000.params`);
    const symbolPath = shared(`${folder}-symbol.json`);
    if (!path || !symbolPath) return;
    const { tensors } = await openBytes(readFileSync(path));
    const { nodes } = parseMxnetSymbol(readFileSync(symbolPath, "utf8"));
    let checked = 0;
    for (const node of nodes) {
      const filters = node.attributes.get("num_filter") ?? node.attributes.get("num_hidden");
      const weight = tensors.get(`arg:${node.inputs[1] && nodes[node.inputs[1][0]].name}`);
      if (filters === undefined || !weight) continue;
      const packed = weight.shape.length === 1 ? 64 : 1;
      expect((weight.elements * packed) % Number(filters)).toBe(0);
      if (packed === 1) expect(weight.shape[0]).toBe(Number(filters));
      checked++;
    }
    expect(checked).toBeGreaterThan(20);
  });
});

describe("symbol", () => {
  const node = (op: string, label: string, inputs: unknown = [], more: object = {}) => ({
    op,
    name: label,
    inputs,
    ...more,
  });
  const symbol = (nodes: unknown, heads: unknown = [[0, 0]]) => JSON.stringify({ nodes, heads });

  test("attributes of all versions; edges with and without a version", () => {
    const text = symbol(
      [
        node("null", "x"),
        node("Convolution", "a", [[0, 0]], { attrs: { kernel: "(3, 3)" } }),
        node("Convolution", "b", [[1, 0, 0]], { param: { kernel: "(1, 1)" }, attr: { ctx: "g" } }),
      ],
      [[2, 0, 0]],
    );
    const { nodes, heads } = parseMxnetSymbol(text);
    expect(heads).toEqual([[2, 0]]);
    expect(nodes[2].inputs).toEqual([[1, 0]]);
    expect(Object.fromEntries(nodes[2].attributes)).toEqual({ kernel: "(1, 1)", ctx: "g" });
    expect(nodes[1].attributes.get("kernel")).toBe("(3, 3)");
  });

  test.each<[string, string, RegExp]>([
    ["no JSON", "{", /not JSON/],
    ["no nodes", "{}", /list of nodes/],
    ["a node that reads itself", symbol([node("a", "a", [[0, 0]])]), /not a node before it/],
    [
      "a node that reads a later one",
      symbol([node("a", "a", [[1, 0]]), node("b", "b")]),
      /not a node before/,
    ],
    ["a head that is absent", symbol([node("a", "a")], [[1, 0]]), /heads: an input/],
    ["a negative input", symbol([node("a", "a"), node("b", "b", [[-1, 0]])]), /not a node before/],
    ["a fraction", symbol([node("a", "a"), node("b", "b", [[0.5, 0]])]), /not a node before/],
    ["two nodes of one name", symbol([node("a", "a"), node("b", "a")]), /two nodes have one name/],
    [
      "an attribute that is no text",
      symbol([node("a", "a", [], { attrs: { k: 1 } })]),
      /k is no text/,
    ],
    ["a key twice", '{"nodes":[],"nodes":[],"heads":[]}', /nodes occurs twice/],
    ["a null node", symbol([null]), /node 0 is no object/],
  ])("%s: refused", (_, text, message) => {
    expect(() => parseMxnetSymbol(text)).toThrow(message);
  });
});
