import type { Fuzzer } from "./fuzzer.js";

/** Each loaded where it is wanted. */
const loaders: { readonly [name: string]: () => Promise<Fuzzer> } = {
  onebit: async () => (await import("./onebit/index.js")).onebitFuzzer,
  geometry: async () => (await import("./geometry/index.js")).geometryFuzzer,
};

export const FUZZERS = Object.keys(loaders);

export function fuzzerNamed(name: string): Promise<Fuzzer> {
  if (Object.hasOwn(loaders, name)) return loaders[name]();
  throw new Error(`there is no fuzzer "${name}": there are ${FUZZERS.join(", ")}`);
}
