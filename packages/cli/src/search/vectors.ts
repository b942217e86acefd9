import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { BadPicture } from "@onebit/train/data";
import { type AnySubject, openSubject, type SubjectOptions } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { shellWord } from "onebit/words";
import { ofPhotograph, type Photographs } from "../run/images.js";
import { preparationOf, prepared, runOn } from "../subjects/classes.js";

/** A packed network that makes a vector of a picture. */
export interface Embedder {
  readonly subject: AnySubject;
  /** SHA-256 of its file, and which of its outputs the vectors are. */
  readonly network: string;
  readonly output: string;
  readonly preparation: Preprocess;
}

/** The usual one: what the classifier sees. */
const FEATURES = "features";

/** UsageError where the network has no such vector, OnebitError where it cannot be opened. Dispose of its subject. */
export async function openEmbedder(
  path: string,
  output: string = FEATURES,
  options: SubjectOptions,
): Promise<Embedder> {
  const network = await checksumOf(path);
  const subject = await openSubject(path, options);
  try {
    checkOutput(subject, output);
    return { subject, network, output, preparation: preparationOf(subject) };
  } catch (error) {
    await subject.dispose();
    throw error;
  }
}

async function checksumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function checkOutput({ path, outputs }: AnySubject, output: string): void {
  const found = Object.hasOwn(outputs, output) ? outputs[output] : undefined;
  if (found?.kind === "vector") return;
  const vectors = Object.keys(outputs).filter((name) => outputs[name].kind === "vector");
  const what = found ? `its "${output}" is a map` : `it has no output "${output}"`;
  const instead = vectors.map((name) => `--output-name ${shellWord(name)}`).join(", ");
  throw new UsageError(
    `${path}: ${what}, and a vector is wanted: ${instead || "it has none; another network must be taken"}`,
  );
}

/** The vector of a picture, or why it cannot be used. */
export async function vectorOf(
  path: string,
  photographs: Photographs,
  { subject, output, preparation }: Embedder,
): Promise<{ readonly made: Float32Array } | BadPicture> {
  return ofPhotograph(path, photographs, async (image) => {
    const outputs = await runOn(subject, prepared(image, preparation), [output]);
    return Float32Array.from(outputs[output].data);
  });
}
