import { BACKENDS, type Backend, type BackendName, backendFor, load, OnebitError } from "onebit";
import { writeOnebit } from "onebit/file";
import type { Program } from "onebit/program";

export interface LoadedBackends {
  readonly names: readonly BackendName[];
  /** Why the others cannot run here. */
  readonly reasons: { readonly [backend: string]: string };
}

/** One number in, the same number out. */
const smallest: Program = {
  values: [
    { name: "x", kind: "map", shape: [1, 1, 1] },
    { name: "y", kind: "vector", shape: [1, 1, 1] },
  ],
  input: 0,
  steps: [{ kind: "pointwise", covers: [], input: 0, epilogue: [["store", 0, 1, 0]] }],
  outputs: { logits: 1 },
};

/** The fast backends that load here. OnebitError where there is none. */
export async function fastBackends(): Promise<LoadedBackends> {
  const packed = await writeOnebit({ program: smallest, tensors: {} });
  const names: BackendName[] = [];
  const reasons: { [backend: string]: string } = {};
  const slow: string[] = [];
  for (const name of BACKENDS) {
    const backend = await backendFor(name);
    if (!backend.fast) {
      slow.push(name);
      continue;
    }
    const lack = await lackOf(backend, packed);
    if (lack === undefined) names.push(name);
    else reasons[name] = lack;
  }
  if (names.length) return { names, reasons };
  const why = Object.entries(reasons).map(([name, reason]) => `${name}: ${reason}`);
  throw new OnebitError(
    `no fast backend runs here: ${why.join("; ")}; --backend ${slow.join(" or ")} does`,
  );
}

/** Why a backend cannot run here; undefined where it can. */
async function lackOf(backend: Backend, packed: Uint8Array): Promise<string | undefined> {
  const lack = await backend.unavailable();
  if (lack !== undefined) return lack;
  return load(packed, { backend }).then(
    (model) => model.dispose(),
    (error: Error) => error.message,
  ) as Promise<string | undefined>;
}
