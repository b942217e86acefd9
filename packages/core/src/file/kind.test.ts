import { gzipSync } from "node:zlib";
import { describe, expect, it, test } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { buildModel } from "../models/build-model.js";
import { encodeFloatModel } from "../models/float-model.js";
import { pack } from "../pack/index.js";
import { load } from "../runtime/load.js";
import { randomWeights } from "../test-support/random-weights.js";
import { type FileKind, fileKind } from "./kind.js";
import { writeSafetensors } from "./safetensors.js";
import { writeOnebit } from "./write-onebit.js";
import { wrongFile } from "./wrong-file.js";

/** A text of characters up to 255 as bytes; zeros up to `length`. */
const bytesOf = (text: string, length = text.length): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(Array.from(text, (character) => character.charCodeAt(0)));
  return bytes;
};
const zipped = (name: string) =>
  bytesOf(`PK\x03\x04${"\0".repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}`, 200);
const magicNumber = "\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/** First bytes as the named software writes them. */
const samples: [FileKind | undefined, string, Uint8Array][] = [
  ["torch", "torch.save", zipped("archive/data.pkl")],
  ["torch", "torch.save, another order", zipped("net/version")],
  ["torch", "TorchScript", zipped("net/constants.pkl")],
  ["npz", "numpy.savez", zipped("weight.npy")],
  ["zip", "another archive", zipped("a.txt")],
  ["empty-zip", "zip of nothing", bytesOf("PK\x05\x06", 22)],
  ["torch-legacy", "torch.save before 1.6", bytesOf(`\x80\x02${magicNumber}`)],
  ["torch-legacy", "the same, protocol 3", bytesOf(`\x80\x03${magicNumber}`)],
  ["torch-legacy", "the same, protocol 4", bytesOf(`\x80\x04\x95\x0d\0\0\0\0\0\0\0${magicNumber}`)],
  ["pickle", "pickle.dump", bytesOf("\x80\x04\x95\x20\0\0\0\0\0\0\0}")],
  ["onnx", "torch.onnx.export", bytesOf("\x08\x07\x12\x07pytorch")],
  ["onnx", "without a producer", bytesOf("\x08\x08:\x10\x0a\x05")],
  ["npy", "numpy.save", bytesOf("\x93NUMPY\x01\0v\0{'descr'")],
  ["mxnet", "mxnet.nd.save", bytesOf("\x12\x01\0\0\0\0\0\0\0\0\0\0")],
  ["hdf5", "Keras", bytesOf("\x89HDF\r\n\x1a\n")],
  ["tflite", "TensorFlow Lite", bytesOf("\x1c\0\0\0TFL3\x14\0")],
  ["ort", "ONNX Runtime", bytesOf("\x1c\0\0\0ORTM\x14\0")],
  ["gguf", "llama.cpp", bytesOf("GGUF\x03\0\0\0")],
  ["gzip", "gzip", bytesOf("\x1f\x8b\x08\0")],
  ["tar", "tar", bytesOf(`${"net.pth".padEnd(257, "\0")}ustar\x0000`, 512)],
  ["lfs", "Git LFS", bytesOf("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")],
  ["page", "a web page", bytesOf("\n<!DOCTYPE html><html>404")],
  ["page", "XHTML", bytesOf("\xef\xbb\xbf<?xml version='1.0'?><html>")],
  ["xml", "S3", bytesOf("<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code>")],
  ["json", "an API", bytesOf('{"error": "not found"}')],
  ["picture", "PNG", bytesOf("\x89PNG\r\n\x1a\n")],
  ["picture", "JPEG", bytesOf("\xff\xd8\xff\xe0")],
  ["picture", "WebP", bytesOf("RIFF\x10\0\0\0WEBPVP8 ")],
  ["picture", "PPM", bytesOf("P6\n# x\n3 2\n255\n")],
  ["idx", "MNIST", bytesOf("\0\0\x08\x03\0\0\x27\x10")],
  ["weights", "safetensors", bytesOf('\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"')],
  ["empty", "an empty file", bytesOf("")],
  [undefined, "text", bytesOf("hello, world")],
  [undefined, "one byte", bytesOf("x")],
  [undefined, "zeros", new Uint8Array(64)],
];

test.each(samples)("%s: %s", (kind, _, bytes) => {
  expect(fileKind(bytes)).toBe(kind);
});

describe("onebit's own files", async () => {
  const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16] });
  const tensors = randomWeights(graph, 3);
  const packed = await writeOnebit(pack(graph, tensors));
  const options = { classes: 4, input: [3, 16, 16] } as const;
  const float = encodeFloatModel({
    architecture: { name: "reactnet-nano", options },
    tensors,
    labels: ["a", "b", "c", "d"],
    preprocess: {
      ...{ size: [16, 16], resize: 16, crop: "center", interpolation: "bilinear", channels: 3 },
      ...{ mean: [0, 0, 0], std: [1, 1, 1] },
    },
    // What others wrote must not decide.
    card: { about: 'not "onebit": "1"' },
  });

  it("are told apart by their metadata", () => {
    expect(fileKind(packed)).toBe("packed");
    expect(fileKind(float)).toBe("float");
    expect(fileKind(packed.subarray(0, 4096))).toBe("packed");
    const plain = writeSafetensors({ metadata: { format: "pt" }, tensors: {} });
    expect(fileKind(plain)).toBe("weights");
  });

  it("load() says what it gets, whatever way it comes", async () => {
    const message = /^a float model, not a packed network \(\.onebit\): pack it: `npx onebit pack/;
    await expect(load(float)).rejects.toThrow(/^model: a float model, not a packed network/);
    await expect(load(new Blob([float as BlobPart]))).rejects.toThrow(UsageError);
    const url = `data:application/octet-stream;base64,${Buffer.from(float).toString("base64")}`;
    await expect(load(url)).rejects.toThrow(/: a float model, not a packed network/);
    expect(wrongFile(float, { wanted: "packed" })?.message).toMatch(message);
    await expect(load(bytesOf("<html>"))).rejects.toThrow(/a web page, not a packed network/);
    // Its first bytes would be a length, of a header that never ends.
    const zipped = `data:;base64,${gzipSync(float).toString("base64")}`;
    await expect(load(zipped)).rejects.toThrow(/: compressed with gzip: unpack it first/);
    await expect(load("data:,<html></html>")).rejects.toThrow(/: a web page, not a packed network/);
    await expect(load(bytesOf("nothing known"))).rejects.toThrow(
      /^model: no known kind of file, it begins with "nothing know"; a packed network/,
    );
  });
});

describe("the message", () => {
  const [torch, page, lfs, idx] = ["torch", "page", "lfs", "idx"].map(
    (kind) => samples.find(([known]) => known === kind)![2],
  );

  it("names what it is and a command that takes it, quoted where a shell needs it", () => {
    const said = (name: string, wanted: "packed" | "float") =>
      wrongFile(torch, { name, wanted })?.message;
    expect(said("net.pth", "packed")).toBe(
      "net.pth: a PyTorch checkpoint, not a packed network (.onebit): import it: `npx onebit import net.pth -o model.onebit`",
    );
    expect(said("my net's.pth", "float")).toBe(
      "my net's.pth: a PyTorch checkpoint, not a float model (.safetensors) or a run: import it: `npx onebit import 'my net'\\''s.pth' -o model.safetensors`",
    );
    expect(wrongFile(lfs, { name: "a.onnx", wanted: "onnx" })?.message).toBe(
      "a.onnx: a Git LFS pointer, not the file itself: run `git lfs pull`",
    );
    expect(wrongFile(page, { wanted: "checkpoint" })?.message).toMatch(
      /^a web page, not a checkpoint: the download link led to a page; fetch the file itself$/,
    );
  });

  it("is a UsageError where another command takes the file", () => {
    expect(wrongFile(idx, { wanted: "picture" })).toBeInstanceOf(UsageError);
    expect(wrongFile(page, { wanted: "picture" })).toBeInstanceOf(OnebitError);
    expect(wrongFile(page, { wanted: "picture" })).not.toBeInstanceOf(UsageError);
    expect(wrongFile(torch, { wanted: "checkpoint" })).toBeUndefined();
    expect(wrongFile(bytesOf("?"), { wanted: "packed" })).toBeUndefined();
  });
});
