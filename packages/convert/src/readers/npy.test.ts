import { describe, expect, test } from "vitest";
import { bytes, floats, int } from "./test-support/bytes.js";
import {
  expectations,
  expectTensor,
  fixture,
  openBytes,
  refused,
  refusedBytes,
} from "./test-support/checks.js";
import { zip } from "./test-support/zips.js";

const expected = expectations("numpy.json");

test.each(["numpy.npz", "numpy-compressed.npz"])(
  "%s holds exactly the arrays that NumPy wrote",
  async (file) => {
    const { format, tensors } = await openBytes(fixture(file));
    expect(format).toBe("npz");
    expect([...tensors.keys()]).toEqual(Object.keys(expected));
    for (const [key, values] of Object.entries(expected))
      await expectTensor(tensors.get(key), values);
  },
);

test("an array file in Fortran order", async () => {
  const { format, tensors } = await openBytes(fixture("fortran.npy"));
  expect(format).toBe("npy");
  await expectTensor(tensors.get("array"), expected.fortran);
});

const header = (text: string, data: Uint8Array = floats([1, 2]), version = 1): Uint8Array => {
  const length = int(Buffer.byteLength(text), version === 1 ? 2 : 4);
  return bytes(0x93, "NUMPY", version, 0, length, text, data);
};
const usual = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";

describe("headers", () => {
  test.each([
    ["version 1", header(usual)],
    ["version 2", header(usual, floats([1, 2]), 2)],
    ["version 3", header(usual, floats([1, 2]), 3)],
    ["another order of keys", header("{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}")],
    ["Python 2", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }")],
    ["unicode of Python 2", header("{u'descr': u'<f4', u'fortran_order': False, u'shape': (2L,)}")],
    ["other quotes", header('{"descr": "<f4", "fortran_order": False, "shape": (2,)}')],
    ["spaces", header("  { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) , }  \n")],
    ["the native order", header(usual.replace("<f4", "=f4"))],
    ["no order", header(usual.replace("<f4", "f4"))],
    ["a type's name", header(usual.replace("<f4", "float32"))],
    ["big-endian", header(usual.replace("<f4", ">f4"), bytes(0x3f, 0x80, 0, 0, 0x40, 0, 0, 0))],
    ["bytes", header(usual.replace("<f4", ">u1"), bytes(1, 2))],
    ["Fortran order", header(usual.replace("False", "True"))],
    ["no spaces", header("{'descr':'<f4','fortran_order':False,'shape':(2,)}")],
  ])("%s", async (_, file) => {
    const entry = (await openBytes(file)).tensors.get("array");
    expect(entry?.shape).toEqual([2]);
    expect([...(await entry!.floats())]).toEqual([1, 2]);
  });

  const usualWith = (shape: string, descr = "<f4") =>
    header(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`);
  test.each<[string, Uint8Array, RegExp]>([
    ["too few elements", usualWith("(3,)"), /takes 12 bytes, there are 8/],
    ["too many elements", usualWith("(1,)"), /takes 4 bytes, there are 8/],
    ["2^40 elements", usualWith("(1099511627776,)"), /there are 8/],
    ["2^80 elements", usualWith("(1099511627776, 1099511627776)"), /more elements than any file/],
    ["a size of 400 digits", usualWith(`(${"9".repeat(400)},)`), /not a size/],
    ["a negative size", usualWith("(-2,)"), /not understood/],
    ["objects", usualWith("(2,)", "|O"), /object arrays are pickles/],
    ["text", usualWith("(2,)", "<U4"), /<U4 are not read/],
    ["complex numbers", usualWith("(1,)", "<c8"), /<c8 are not read/],
    [
      "fields",
      header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
      /structured arrays/,
    ],
    [
      "a key twice",
      header("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}"),
      /not understood/,
    ],
    ["a key missing", header("{'descr': '<f4', 'shape': (2,)}"), /not understood/],
    [
      "code",
      header("{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').system('id')}"),
      /not understood/,
    ],
    [
      "something behind",
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x"),
      /not understood/,
    ],
    ["version 9", header(usual, floats([1, 2]), 9), /version 1 to 3/],
    [
      "a length of 4 GiB",
      bytes(0x93, "NUMPY", 2, 0, int(0xffffffff, 4), usual),
      /header of 4294967295 bytes/,
    ],
  ])("%s is refused", (_, file, message) => refusedBytes(file, message));

  test("truncation at any byte", async () => {
    const whole = header(usual);
    for (let length = 0; length < whole.length; length++) {
      await refusedBytes(whole.slice(0, length), /./);
    }
  });
});

test("npz: damage in a compressed member is found when it is read", async () => {
  const file = new Uint8Array(fixture("numpy-compressed.npz"));
  const { tensors } = await openBytes(file);
  const [first] = tensors.values();
  await first.read();
  const swapped = zip([
    { name: "a.npy", data: header(usual), crc: 5 },
    { name: "b.npy", data: header(usual) },
  ]);
  const checkpoint = await openBytes(swapped);
  expect([...(await checkpoint.tensors.get("b")!.floats())]).toEqual([1, 2]);
  await refused(() => checkpoint.tensors.get("a")!.read(), /a\.npy is damaged: its CRC-32/);
});

test("npz: a member that claims to be huge is refused without inflating it", async () => {
  const shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }";
  const data = header(shape, new Uint8Array(0));
  const bomb = zip([
    { name: "a.npy", data, method: 8, size: 2 ** 42, compressedSize: data.length, wide: true },
  ]);
  await refusedBytes(bomb, /decompression bomb/);
});
