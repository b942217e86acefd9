import { OnebitError } from "onebit";
import { KIND_BYTES } from "onebit/file";
import { type AsyncBuffer, naming, readRange } from "./async-buffer.js";
import type { Checkpoint } from "./checkpoint.js";
import { detectFormat } from "./detect.js";
import { openHdf5 } from "./hdf5/open-hdf5.js";
import { openMxnetParams } from "./mxnet/params.js";
import { openNpy } from "./npy.js";
import { isNpz, openNpz } from "./npz.js";
import { openOnnx } from "./onnx/open-onnx.js";
import { openSafetensors } from "./safetensors.js";
import { printable } from "./text.js";
import { openTflite } from "./tflite/open-tflite.js";
import { openTorchLegacy } from "./torch/legacy-checkpoint.js";
import { isTorchZip, openTorchZip } from "./torch/zip-checkpoint.js";
import { readDirectory } from "./zip/directory.js";

/**
 * Opens a checkpoint of any known format, told by its first bytes. Nothing of the file is executed;
 * what is damaged, hostile or not plain tensors is an OnebitError that begins with the buffer's name.
 */
export async function openCheckpoint(buffer: AsyncBuffer): Promise<Checkpoint> {
  return naming(buffer, () => open(buffer));
}

async function open(buffer: AsyncBuffer): Promise<Checkpoint> {
  const known = Math.min(KIND_BYTES, buffer.byteLength);
  const format = detectFormat(await readRange(buffer, 0, known, "the file"), buffer.name);
  switch (format) {
    case "zip":
      return openZip(buffer);
    case "torch-legacy":
      return openTorchLegacy(buffer);
    case "safetensors":
      return openSafetensors(buffer);
    case "npy":
      return openNpy(buffer);
    case "mxnet-params":
      return openMxnetParams(buffer);
    case "tflite":
      return openTflite(buffer);
    case "hdf5":
      return openHdf5(buffer);
    case "onnx":
      return openOnnx(buffer);
    default:
      return format satisfies never;
  }
}

async function openZip(buffer: AsyncBuffer): Promise<Checkpoint> {
  const entries = await readDirectory(buffer);
  if (isTorchZip(entries)) return openTorchZip(buffer, entries);
  if (isNpz(entries)) return openNpz(buffer, entries);
  if (entries.has("model.weights.h5")) {
    throw new OnebitError(
      'a zip file of Keras 3 (.keras), which is not read; save the network as .h5: model.save("net.h5")',
    );
  }
  const [first = "nothing"] = entries.keys();
  throw new OnebitError(
    `a zip file, but with ${printable(first)} in it: neither torch.save's (NAME/data.pkl) nor arrays (.npy); if it is an archive of checkpoints, unpack it first`,
  );
}
