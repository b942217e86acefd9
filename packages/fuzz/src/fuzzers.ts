import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Fuzzer } from "./fuzzer.js";

/** Each loaded where it is wanted. */
const loaders: { readonly [name: string]: () => Promise<Fuzzer> } = {
  onebit: async () => (await import("./onebit/index.js")).onebitFuzzer,
  checkpoint: async () => (await import("./checkpoint/index.js")).checkpointFuzzer,
  geometry: async () => (await import("./geometry/index.js")).geometryFuzzer,
  vectors: async () => (await import("./vectors/index.js")).vectorsFuzzer,
};

export const FUZZERS = Object.keys(loaders);

/** By name, or of a module that exports a `fuzzer`. */
export async function fuzzerNamed(name: string): Promise<Fuzzer> {
  if (Object.hasOwn(loaders, name)) return loaders[name]();
  if (name.endsWith(".mjs")) return (await import(pathToFileURL(resolve(name)).href)).fuzzer;
  throw new Error(`there is no fuzzer "${name}": there are ${FUZZERS.join(", ")}`);
}
