import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { ENCODING } from "./encode.js";

/** A compiled program inside the addon. */
export type Handle = object & { readonly __handle: unique symbol };

/** What cpp/addon.cpp exports. */
export interface Addon {
  /** Which form of programs it reads: ENCODING. */
  readonly encoding: number;
  /** Instruction sets of this processor that there are kernels for, best first. */
  isas(): string[];
  /**
   * isa: "" for the best. apart: no two values share memory (for tests). Throws an error of code
   * OVER_BUDGET where it would take more bytes than `memory`.
   */
  compile(
    code: Int32Array,
    tensors: readonly (Uint8Array | Float32Array)[],
    threads: number,
    isa: string,
    apart: boolean,
    memory: number,
  ): Handle;
  /**
   * Off the event loop; images are copied before this returns, outputs must stay meanwhile. planes:
   * images are [count, C, H, W], not [count, H, W, C].
   */
  run(
    handle: Handle,
    images: Float32Array,
    count: number,
    outputs: readonly Float32Array[],
    planes: boolean,
  ): Promise<void>;
  profile(handle: Handle): number[];
  kernels(handle: Handle): string[];
  arenaBytes(handle: Handle): number;
  /** All that counts against `memory`. */
  memoryBytes(handle: Handle): number;
  /** At work: fewer than were asked for where the system starts no more. */
  threads(handle: Handle): number;
  dispose(handle: Handle): void;
  /**
   * How many bits of each row differ from the query's: rows [N, bytes], a multiple of 8 bytes each. isa: "" for
   * the best.
   */
  hamming(query: Uint8Array, rows: Uint8Array, to: Int32Array, isa: string): void;
  /** Scalar products with each row [N, floats], a multiple of 16 floats each; sums as kernels/distances.h says. */
  dots(query: Float32Array, rows: Float32Array, to: Float32Array, isa: string): void;
}

export type Loaded = { readonly addon: Addon } | { readonly reason: string };

const target = `${process.platform}-${process.arch}`;
const require = createRequire(import.meta.url);
let loaded: Loaded | undefined;

/** The addon of a prebuilt package for this platform, else the one built here. */
export function loadAddon(): Loaded {
  loaded ??= tryLoad();
  return loaded;
}

function tryLoad(): Loaded {
  const installed = prebuilt();
  const path =
    installed ?? fileURLToPath(new URL(`../dist/onebit-${target}.node`, import.meta.url));
  const script = fileURLToPath(new URL("../build.mjs", import.meta.url));
  const advice = `node "${script}" builds it (a C++20 compiler is needed)`;
  if (!existsSync(path)) return { reason: `not built for ${target}: ${advice}` };
  try {
    return checked(require(path) as Addon, `${path} is of another version: ${advice}`);
  } catch (error) {
    const why = (error as Error).message.replace(`${path}: `, "");
    const anew = installed ? `install @onebit/native-${target} anew, or ` : "";
    return { reason: `${path} cannot be loaded: ${why}; ${anew}${advice}` };
  }
}

export function checked(addon: Addon, otherwise: string): Loaded {
  return addon.encoding === ENCODING ? { addon } : { reason: otherwise };
}

/** @onebit/native-<platform>-<arch> holds nothing but the addon, as its main file. */
function prebuilt(): string | undefined {
  try {
    return require.resolve(`@onebit/native-${target}`);
  } catch {
    return undefined;
  }
}
