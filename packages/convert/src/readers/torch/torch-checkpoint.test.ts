import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stateDict } from "../state-dict.js";
import { bytes, floats, int, type Part } from "../test-support/bytes.js";
import { fixture, openBytes, readAll, refusedBytes } from "../test-support/checks.js";
import {
  call,
  dict,
  global,
  integer,
  legacyFile,
  none,
  orderedDict,
  pickle,
  type StorageSpec,
  storage,
  type TensorSpec,
  tensor,
  text,
  tuple,
} from "../test-support/pickles.js";
import { torchZip, zip } from "../test-support/zips.js";

const six = floats([0, 1, 2, 3, 4, 5]);
const plain = { shape: [2, 3], strides: [3, 1] };

/** A zip checkpoint with one tensor `w` over six floats. */
function withTensor(spec: Partial<TensorSpec>, over: Partial<StorageSpec> = {}): Uint8Array {
  const made = tensor({ storage: storage({ count: 6, ...over }), ...plain, ...spec });
  return torchZip(pickle(dict([text("w"), made])), { 0: six });
}

const legacyWith = (root: Part, count = 6, data: Uint8Array = six): Uint8Array =>
  legacyFile(root, [{ key: "0", count, data }]);

async function valuesOf(file: Uint8Array, key = "w"): Promise<number[]> {
  const entry = (await openBytes(file)).tensors.get(key);
  return Array.from(await entry!.read(), Number);
}

describe("what newer versions of PyTorch write", () => {
  const untyped = storage({ count: 8, type: global("torch.storage", "UntypedStorage") });
  const version3 = (type: string): Part =>
    call(
      global("torch._utils", "_rebuild_tensor_v3"),
      untyped,
      ...[integer(1), tuple(integer(3)), tuple(integer(1)), 0x89, orderedDict],
      global("torch", type),
      dict(),
    );

  test("tensors over untyped storages say their own type", async () => {
    const file = torchZip(pickle(dict([text("w"), version3("uint16")])), {
      0: bytes(int(7, 2), int(65535, 2), int(1, 2), int(2, 2)),
    });
    expect(await valuesOf(file)).toEqual([65535, 1, 2]);
    expect((await openBytes(file)).tensors.get("w")?.dtype).toBe("uint16");
  });

  test("the byte order is a member of its own", async () => {
    const root = pickle(
      dict([text("w"), tensor({ storage: storage({ count: 1 }), shape: [1], strides: [1] })]),
    );
    const order = (value: string, data: Uint8Array) =>
      torchZip(root, { 0: data }, [{ name: "net/byteorder", data: bytes(value) }]);
    expect(await valuesOf(order("little", floats([1.5])))).toEqual([1.5]);
    expect(await valuesOf(order("big", floats([1.5]).reverse()))).toEqual([1.5]);
    await refusedBytes(order("middle", floats([1.5])), /byteorder. says middle/);
  });

  test("members that are not needed are ignored: alignment, format version, serialization id", async () => {
    const extra = [".format_version", ".storage_alignment", ".data/serialization_id"].map(
      (name) => ({
        name: `net/${name}`,
        data: bytes("1"),
      }),
    );
    const root = pickle(dict([text("w"), tensor({ storage: storage({ count: 6 }), ...plain })]));
    expect(await valuesOf(torchZip(root, { 0: six }, extra))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("storages and views", () => {
  test("any device", async () => {
    for (const device of ["cpu", "cuda:0", "cuda:7", "mps", "xla:1"]) {
      expect(await valuesOf(withTensor({}, { device: text(device) }))).toHaveLength(6);
    }
  });

  test("views of the old format's storage views", async () => {
    const over = storage({
      count: 6,
      view: [tuple(text("v"), integer(2), integer(3))],
    });
    const root = dict([text("w"), tensor({ storage: over, offset: 1, shape: [2], strides: [1] })]);
    expect(await valuesOf(legacyWith(root))).toEqual([3, 4]);
    const outside = tensor({ storage: over, offset: 2, shape: [2], strides: [1] });
    await refusedBytes(
      legacyWith(dict([text("w"), outside])),
      /needs 16 bytes, its storage has 12/,
    );
  });

  test.each<[string, Partial<TensorSpec>, RegExp]>([
    ["beyond its storage", { shape: [7], strides: [1] }, /needs 28 bytes, its storage has 24/],
    ["an offset beyond it", { offset: 1 }, /needs 28 bytes/],
    ["a stride beyond it", { strides: [4, 1] }, /needs 28 bytes/],
    ["2^40 elements", { shape: [2 ** 40], strides: [1] }, /1099511627776.*needs/],
    [
      "2^40 elements of stride 0",
      { shape: [2 ** 40], strides: [0] },
      /1099511627776 elements out of/,
    ],
    [
      "2^80 elements",
      { shape: [2 ** 40, 2 ** 40], strides: [0, 0] },
      /more elements than any file/,
    ],
    ["a stride that overflows", { shape: [2 ** 26, 2], strides: [2 ** 52, 1] }, /needs/],
    ["a negative size", { shape: [-2, 3] }, /-2 is not a size/],
    ["a negative stride", { strides: [3, -1] }, /-1 is no offset or stride/],
    ["a negative offset", { offset: -1 }, /-1 is no offset/],
    ["more strides than sizes", { strides: [3, 1, 1] }, /2 dimensions but 3 strides/],
    [
      "40 dimensions",
      { shape: new Array(40).fill(1), strides: new Array(40).fill(1) },
      /40 dimensions/,
    ],
    ["a size of 2^64", { shape: [2n ** 64n], strides: [1] }, /not made of integers/],
  ])("a tensor with %s is refused", (_, spec, message) => refusedBytes(withTensor(spec), message));

  test.each<[string, Partial<StorageSpec>, RegExp]>([
    ["more elements than its member", { count: 7 }, /storage 0 has 24 bytes, declared are 28/],
    ["fewer elements than its member", { count: 5 }, /storage 0 has 24 bytes, declared are 20/],
    ["2^60 elements", { count: 2 ** 60 }, /stands where a storage should|fit in no file/],
    ["a negative count", { count: -6 }, /where a storage should/],
    ["a key that is absent", { key: text("1") }, /storage 1 is not in the file/],
    ["a key out of the folder", { key: text("../data/0") }, /is not in the file/],
    ["a key that is no text", { key: integer(0) }, /where a storage should/],
    [
      "a type that is no storage",
      { type: global("torch", "float32") },
      /torch.float32 is no type of storage/,
    ],
    ["a type that is a text", { type: text("FloatStorage") }, /is no type of storage/],
    [
      "a complex type of another size",
      { type: global("torch", "ComplexFloatStorage") },
      /storage 0 has 24 bytes, declared are 48/,
    ],
  ])("a storage with %s is refused", (_, spec, message) =>
    refusedBytes(withTensor({}, spec), message),
  );

  test("one storage declared with two types", async () => {
    const other = storage({ count: 3, type: global("torch", "DoubleStorage") });
    const root = dict(
      [text("a"), tensor({ storage: storage({ count: 6 }), ...plain })],
      [text("b"), tensor({ storage: other, shape: [3], strides: [1] })],
    );
    await refusedBytes(torchZip(pickle(root), { 0: six }), /declared twice/);
  });
});

describe("hostile and wrong zip checkpoints", () => {
  test("a pickle that calls os.system leaves nothing executed", async () => {
    const evil = pickle(call(global("os", "system"), text("touch /tmp/onebit-was-here")));
    await refusedBytes(torchZip(evil), /class os\.system\), which onebit never runs/);
    expect(existsSync("/tmp/onebit-was-here")).toBe(false);
    const old = legacyFile(call(global("builtins", "eval"), text("1")), []);
    await refusedBytes(old, /class eval\), which onebit never runs/);
  });

  test("keys twice: in a dict, and by dots", async () => {
    const w = tensor({ storage: storage({ count: 6 }), ...plain });
    const twice = dict([text("w"), w], [text("w"), w]);
    await refusedBytes(torchZip(pickle(twice), { 0: six }), /w occurs twice/);
    const dotted = dict([text("a.b"), w], [text("a"), dict([text("b"), w])]);
    const checkpoint = await openBytes(torchZip(pickle(dotted), { 0: six }));
    expect([...checkpoint.tensors.keys()]).toEqual(["a.b", "a.b (2)"]);
    expect(() => stateDict(checkpoint)).toThrow(/two tensors are named a\.b/);
    expect([...stateDict(checkpoint, ["a"]).tensors.keys()]).toEqual(["b"]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["no tensors", torchZip(pickle(none)), /the file holds None, no tensors/],
    ["bytes behind the pickle", torchZip(bytes(pickle(dict()), "x")), /bytes follow its end/],
    [
      "TorchScript",
      torchZip(pickle(dict()), {}, [{ name: "net/constants.pkl", data: pickle(tuple()) }]),
      /TorchScript/,
    ],
    ["another archive", zip([{ name: "a.txt", data: six }]), /with a\.txt in it/],
    [
      "an archive of a checkpoint",
      zip([{ name: "a/b/data.pkl", data: pickle(dict()) }]),
      /unpack it first/,
    ],
    [
      "two folders",
      torchZip(pickle(dict()), {}, [{ name: "b/data.pkl", data: pickle(dict()) }]),
      /lies outside net/,
    ],
    ["no version", zip([{ name: "n/data.pkl", data: pickle(dict()) }]), /`version` is missing/],
    [
      "a strange version",
      zip([
        { name: "n/data.pkl", data: pickle(dict()) },
        { name: "n/version", data: bytes("x") },
      ]),
      /version. says x/,
    ],
    ["a huge pickle", torchZip(new Uint8Array(2 ** 27 + 1)), /at most 134217728/],
    [
      "deflated members",
      zip([
        { name: "n/data.pkl", data: pickle(dict()) },
        { name: "n/version", data: bytes(), method: 8 },
      ]),
      /compressed, which torch\.save never does/,
    ],
  ])("%s", (_, file, message) => refusedBytes(file, message));
});

describe("hostile and wrong files of the old format", () => {
  const root = dict([text("w"), tensor({ storage: storage({ count: 6 }), ...plain })]);

  test("a whole file is read, one larger than the first window too", async () => {
    expect(await valuesOf(legacyWith(root))).toEqual([0, 1, 2, 3, 4, 5]);
    const filler = Array.from({ length: 60 }, (_, i): [Part, Part] => [
      integer(i),
      text("x".repeat(60_000)),
    ]);
    const large = dict(
      [text("w"), tensor({ storage: storage({ count: 6 }), ...plain })],
      ...filler,
    );
    expect(await valuesOf(legacyWith(large))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("truncation at any byte, and bytes behind the end", async () => {
    const file = legacyWith(root);
    for (let length = 0; length < file.length; length++) {
      await refusedBytes(file.slice(0, length), /./);
    }
    await refusedBytes(bytes(file, 0), /storages should end at byte/);
  });

  test.each<[string, Uint8Array, RegExp]>([
    [
      "a storage whose own count differs",
      legacyWith(root, 5),
      /storage 0 has 20 bytes, declared are 24/,
    ],
    [
      "a count of 2^60",
      bytes(legacyWith(root).subarray(0, -32), int(2n ** 60n, 8), six),
      /which no file holds/,
    ],
    [
      "a storage that no tensor uses",
      legacyFile(dict(), [{ key: "0", count: 6, data: six }]),
      /used by no tensor/,
    ],
    [
      "a storage listed twice",
      legacyFile(root, [
        { key: "0", count: 6, data: six },
        { key: "0", count: 6, data: six },
      ]),
      /listed twice/,
    ],
    ["a storage that is missing", legacyFile(root, []), /1 storages are used, 0 are listed/],
    [
      "no byte order",
      legacyFile(root, [{ key: "0", count: 6, data: six }], dict()),
      /properties of the machine/,
    ],
    [
      "names among the properties",
      legacyFile(root, [], call(global("os", "getcwd"))),
      /names os\.getcwd where only numbers/,
    ],
  ])("%s", (_, file, message) => refusedBytes(file, message));

  test("a file of a big-endian machine", async () => {
    const over = storage({ count: 1 });
    const small = dict([text("w"), tensor({ storage: over, shape: [1], strides: [1] })]);
    const properties = dict([text("little_endian"), 0x89]);
    const file = legacyFile(
      small,
      [{ key: "0", count: 1, data: floats([2.5]).reverse() }],
      properties,
    );
    expect(await valuesOf(file)).toEqual([2.5]);
  });
});

test("an expanded tensor may be larger than its storage, within reason", async () => {
  const file = withTensor({ shape: [1000, 2], strides: [0, 1] });
  expect((await valuesOf(file)).slice(0, 4)).toEqual([0, 1, 0, 1]);
});

test("every one-byte change of a small zip checkpoint is refused or changes nothing", async () => {
  const file = new Uint8Array(fixture("torch-list.pth"));
  const whole = await readAll(file);
  const before = await Promise.all([...whole.tensors.values()].map((entry) => entry.bytes()));
  let accepted = 0;
  for (let at = 0; at < file.length; at++) {
    file[at] ^= 0x41;
    const changed = await readAll(file).catch(() => undefined);
    file[at] ^= 0x41;
    if (!changed) continue;
    accepted++;
    expect([...changed.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    const after = await Promise.all([...changed.tensors.values()].map((entry) => entry.bytes()));
    expect(after).toEqual(before);
  }
  // Times, attributes, versions and padding carry no meaning.
  expect(accepted).toBeGreaterThan(50);
  expect(accepted).toBeLessThan(file.length / 2);
});
