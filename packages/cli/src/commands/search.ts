import { readFile } from "node:fs/promises";
import type { BadPicture } from "@onebit/train/data";
import { modelKind } from "@onebit/train/subjects";
import { OnebitError, UsageError } from "onebit";
import {
  type Neighbour,
  openSearch,
  readIndex,
  SEARCH_BACKENDS,
  type Search,
  type VectorIndex,
} from "onebit/search";
import { counted, onebitCommand } from "onebit/words";
import { reportBad } from "../bad-pictures.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json, jsonl } from "../flags/json.js";
import { oneOf } from "../flags/readers.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { top } from "../flags/top.js";
import { photographs } from "../photographs.js";
import { type Embedder, openEmbedder, vectorOf } from "../search/vectors.js";
import { type Output, shown, terminalOutput } from "../terminal.js";

const nearestFlag = top.means("how many photographs to name, nearest first");

const compare = flag(
  "--compare-with <name>",
  "what compares vectors",
  oneOf(["auto", ...SEARCH_BACKENDS]),
).byDefault("auto");

export const search = command({
  name: "search",
  arguments: ["<file>", "<index>", "[inputs...]"],
  about:
    "the photographs of an index (npx onebit embed) that are nearest to others, by the same network",
  flags: [
    nearestFlag,
    compare,
    backend,
    threads.means("threads, where the backend has several").byDefault(1),
    ...budgetFlags,
    strict,
    json,
    jsonl,
  ],
  more: "Distances: of floats 1 - cosine, from 0 to 2; of bits how many differ.",
  async run([file, path, inputs], flags, given) {
    const out = terminalOutput(flags);
    if (!inputs.length) throw new UsageError("nothing to look for: name photographs or folders");
    await modelKind(file, "packed");
    const paths = await photographs(inputs);
    const index = await indexOf(path);
    const { top, compareWith, strict, backend, threads } = flags;
    const most = given.has(nearestFlag) ? top : Math.min(top, index.names.length);
    if (most > index.names.length) {
      throw new UsageError(`--top ${top}: ${path} has ${counted(index.names.length, "vector")}`);
    }
    const options = { backend, threads, budget: budgetOf(flags) };
    const embedder = await openEmbedder(file, index.output, options);
    try {
      for (const note of embedder.subject.notes) out.note(`note: ${note}`);
      checkNetwork(embedder, path, index);
      using opened = await openSearch(index, { backend: compareWith });
      await answer(paths, { embedder, search: opened, most, strict }, out);
    } finally {
      await embedder.subject.dispose();
    }
  },
});

async function indexOf(path: string): Promise<VectorIndex> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new OnebitError(`${path}: cannot be read: ${error.message}`);
  });
  try {
    return await readIndex(bytes);
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    const Kind = error instanceof UsageError ? UsageError : OnebitError;
    throw new Kind(`${path}: ${error.message}`);
  }
}

/** Vectors of two networks have nothing to do with each other. */
function checkNetwork({ subject, network }: Embedder, path: string, index: VectorIndex): void {
  if (network === index.network) return;
  const short = (sum: string | undefined) => sum?.slice(0, 12) ?? "none named";
  const anew = onebitCommand("embed", subject.path, "FOLDER", "-o", path);
  throw new UsageError(
    `${path}: was made by another network (SHA-256 ${short(index.network)}..., that of ${subject.path} is ${short(network)}...): give that one, or make the index anew: \`${anew}\``,
  );
}

interface Asked {
  readonly embedder: Embedder;
  readonly search: Search;
  readonly most: number;
  readonly strict?: boolean;
}

interface Item {
  readonly input: string;
  /** Empty for a picture that cannot be used; `error` says why. */
  readonly nearest: readonly Neighbour[];
  /** Of the search alone. */
  readonly milliseconds: number;
  readonly error?: string;
}

async function answer(
  paths: readonly string[],
  { embedder, search, most, strict }: Asked,
  out: Output,
): Promise<void> {
  const items: Item[] = [];
  const bad: BadPicture[] = [];
  for (const input of paths) {
    const found = await vectorOf(input, { paths, strict }, embedder);
    if ("reason" in found) bad.push(found);
    const item =
      "made" in found
        ? itemOf(input, found.made, search, most)
        : { input, nearest: [], milliseconds: 0, error: found.reason };
    items.push(item);
    out.item(item);
    if ("made" in found) print(item, search, out);
  }
  out.result(items);
  reportBad(out, bad, paths.length);
}

function itemOf(input: string, vector: Float32Array, search: Search, most: number): Item {
  const start = performance.now();
  const nearest = search.nearest(vector, most);
  return { input, nearest, milliseconds: performance.now() - start };
}

function print({ input, nearest, milliseconds }: Item, { index }: Search, out: Output): void {
  out.line(`${shown(input)}  (searched in ${milliseconds.toFixed(1)} ms)`);
  for (const { name, distance } of nearest) {
    const text = index.form === "bits" ? String(distance) : distance.toFixed(4);
    out.line(`  ${text.padStart(7)}  ${shown(name)}`);
  }
}
