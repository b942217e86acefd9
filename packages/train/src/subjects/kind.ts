import { open, stat } from "node:fs/promises";
import { OnebitError, UsageError } from "onebit";
import { fileKind, KIND_BYTES, unknownFile, type Wanted, wrongFile } from "onebit/file";
import { onebitCommand } from "onebit/words";

/** A run counts as its float model. */
export type ModelKind = "packed" | "float" | "onnx";

/**
 * Which kind of network lies at a path, told by its first bytes, whatever it is called. Everything
 * that is not wanted is an error that says what it is, and which command takes it.
 */
export async function modelKind(path: string, wanted: Wanted): Promise<ModelKind> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new OnebitError(`${path}: there is no such file or run`);
  const start = info.isDirectory() ? undefined : await firstBytes(path);
  if (!start) return runKind(path, wanted);
  const wrong = wrongFile(start, { name: path, wanted });
  if (wrong) throw wrong;
  const kind = fileKind(start);
  if (kind === "packed" || kind === "float" || kind === "onnx") return kind;
  // Some exporters begin in other ways than fileKind knows.
  if (/\.onnx$/i.test(path)) return "onnx";
  throw unknownFile(start, { name: path, wanted });
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: Error) => {
    throw new OnebitError(`${path}: cannot be opened: ${error.message}`);
  });
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(KIND_BYTES), 0, KIND_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function runKind(path: string, wanted: Wanted): "float" {
  if (wanted !== "packed" && wanted !== "runnable" && wanted !== "onnx") return "float";
  const pack = onebitCommand("pack", path, "-o", "model.onebit");
  throw new UsageError(
    `${path}: is a folder: a packed network (.onebit) is wanted. If it is a run, pack it: \`${pack}\``,
  );
}
