import { expect, test } from "vitest";
import { memoryBuffer } from "./async-buffer.js";
import { openCheckpoint } from "./open-checkpoint.js";
import { stateDict } from "./state-dict.js";
import { bytes, floats, type Part } from "./test-support/bytes.js";
import { openBytes, refused, refusedBytes } from "./test-support/checks.js";
import {
  call,
  dict,
  global,
  integer,
  pickle,
  storage,
  tensor,
  text,
} from "./test-support/pickles.js";
import { torchZip, zip } from "./test-support/zips.js";

test.each<[string, Uint8Array, RegExp]>([
  ["an empty file", bytes(), /^an empty file, not a checkpoint: fetch it again/],
  ["a Git LFS pointer", bytes("version https://git-lfs.github.com/spec/v1\noid"), /git lfs pull/],
  ["a web page", bytes("<!DOCTYPE html><html>"), /web page/],
  ["gzip", bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0), /gzip: unpack/],
  ["a cut HDF5 file", bytes(0x89, "HDF\r\n\x1a\n"), /the HDF5 file cannot be read: .*truncated/],
  ["an empty zip file", bytes("PK\x05\x06", new Uint8Array(18)), /empty zip/],
  [
    "a file of Keras 3",
    zip([
      { name: "metadata.json", data: bytes("{}") },
      { name: "model.weights.h5", data: bytes("x") },
    ]),
    /zip file of Keras 3 \(\.keras\).*model\.save\("net\.h5"\)/,
  ],
  ["another pickle", bytes(0x80, 4, 0x95, "abcdefgh"), /pickle, but not one of torch\.save/],
  [
    "anything else",
    bytes("hello, world"),
    /a checkpoint \(torch\.save, safetensors, NumPy, MXNet, TensorFlow Lite, Keras, ONNX\) is wanted/,
  ],
  [
    "one byte",
    bytes("x"),
    /a checkpoint \(torch\.save, safetensors, NumPy, MXNet, TensorFlow Lite, Keras, ONNX\) is wanted/,
  ],
])("%s is named, with what to do", (_, file, message) => refusedBytes(file, message));

test("the message begins with the name of the file", () =>
  refused(
    () => openCheckpoint(memoryBuffer(bytes("x"), "net.pth")),
    /^net\.pth: no known kind of file/,
  ));

const w = tensor({ storage: storage({ count: 2 }), shape: [2], strides: [1] });
const scalar = tensor({ storage: storage({ count: 2 }), shape: [], strides: [] });
const open = (root: Part) => openBytes(torchZip(pickle(root), { 0: floats([1, 2]) }));

test("the network is found in bare files and under the usual names", async () => {
  const inside = dict([text("module.fc.weight"), w]);
  const found = async (root: Part) => {
    const { wrapper, tensors } = stateDict(await open(root));
    return [wrapper.join("/"), ...tensors.keys()];
  };
  expect(await found(inside)).toEqual(["", "module.fc.weight"]);
  expect(await found(dict([text("state_dict"), inside]))).toEqual([
    "state_dict",
    "module.fc.weight",
  ]);
  const optimizer = dict([text("state"), dict([integer(0), dict([text("exp_avg"), w])])]);
  expect(await found(dict([text("optimizer"), optimizer], [text("model"), inside]))).toEqual([
    "model",
    "module.fc.weight",
  ]);
  expect(await found(dict([text("best"), scalar], [text("weights_of_net"), inside]))).toEqual([
    "weights_of_net",
    "module.fc.weight",
  ]);
  expect(await found(dict([text("model"), dict([text("state_dict"), inside])]))).toEqual([
    "model/state_dict",
    "module.fc.weight",
  ]);
  expect(await found(dict([text("fc"), w], [text("extra"), inside]))).toEqual([
    "",
    "fc",
    "extra.module.fc.weight",
  ]);
});

test("two dicts of unusual names: the caller chooses", async () => {
  const inside = dict([text("fc.weight"), w]);
  const checkpoint = await open(dict([text("generator"), inside], [text("discriminator"), inside]));
  expect(() => stateDict(checkpoint)).toThrow(/Tensors are in generator, discriminator/);
  expect([...stateDict(checkpoint, ["generator"]).tensors.keys()]).toEqual(["fc.weight"]);
  expect(() => stateDict(checkpoint, ["student"])).toThrow(/no tensors in student/);
  const none = await open(dict([text("epoch"), integer(1)]));
  expect(() => stateDict(none)).toThrow(/no tensors in the file/);
  const array = call(global("numpy.core.multiarray", "_reconstruct"), global("numpy", "ndarray"));
  const arrays = await open(dict([text("model"), dict([text("fc.weight"), array])]));
  expect(() => stateDict(arrays)).toThrow(/NumPy arrays, no tensors.*numpy\.savez/);
});
