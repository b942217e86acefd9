import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadOnnxRuntime, type OnnxSessionOptions } from "@onebit/convert";
import { withTemporaryFolder } from "onebit/node";
import { feedTensors } from "./onnx-inputs.js";
import { createSession } from "./onnxruntime-node.js";
import type { OnnxModel } from "./peer.js";

/** One kernel call of ONNX Runtime's own profile. */
export interface KernelCall {
  readonly op: string;
  readonly ms: number;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}

/** Where a run of a model in onnxruntime-node goes, by op, in fractions; largest first. */
export interface OpShare {
  readonly op: string;
  readonly share: number;
}

/** Where the time of an optimised model goes, on one thread. */
export async function opShares(model: OnnxModel, batch: number): Promise<OpShare[]> {
  const calls = await kernelCalls(model, batch, { graphOptimizationLevel: "all" }, 5);
  const total = calls.reduce((sum, { ms }) => sum + ms, 0);
  const byOp = new Map<string, number>();
  for (const { op, ms } of calls) byOp.set(op, (byOp.get(op) ?? 0) + ms);
  return [...byOp]
    .map(([op, ms]) => ({ op, share: total > 0 ? ms / total : 0 }))
    .sort((a, b) => b.share - a.share);
}

/** Multiply-accumulates of one run: convolutions and matrix products, from the shapes they met. */
export async function macsOf(model: OnnxModel, batch: number): Promise<number> {
  const calls = await kernelCalls(model, batch, { graphOptimizationLevel: "disabled" }, 1);
  return calls.reduce((sum, call) => sum + macsOfCall(call), 0);
}

/** Ops whose work is multiply-accumulates, as ONNX Runtime names them once fused. */
export function multiplies(op: string): boolean {
  return /^(Fused)?(Conv|Gemm|MatMul)|^(ConvTranspose|NhwcFusedConv|QLinearConv|ConvInteger)$/.test(
    op,
  );
}

/**
 *   Conv           outputs * (C / groups * KH * KW), the weight's size without its first dimension
 *   ConvTranspose  inputs * (O / groups * KH * KW), likewise
 *   Gemm, MatMul   elements of A * columns of the product
 */
export function macsOfCall({ op, inputs, outputs }: KernelCall): number {
  if (!multiplies(op) || inputs.length < 2 || outputs.length < 1) return 0;
  const [x, w] = inputs;
  const [y] = outputs;
  if (op === "ConvTranspose") return size(x) * size(w.slice(1));
  if (op.includes("Conv")) return size(y) * size(w.slice(1));
  return size(x) * (y.at(-1) ?? 1);
}

const size = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

async function kernelCalls(
  { name, bytes }: OnnxModel,
  batch: number,
  options: OnnxSessionOptions,
  runs: number,
): Promise<KernelCall[]> {
  const ort = await loadOnnxRuntime(name);
  return withTemporaryFolder(async (folder) => {
    const session = await createSession(ort, name, bytes, {
      ...options,
      ...{ intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 },
      ...{ enableProfiling: true, profileFilePrefix: join(folder, "profile") },
    });
    try {
      const feeds = feedTensors(ort, name, session, batch);
      for (let run = 0; run < runs; run++) await session.run(feeds);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = await readdir(folder);
    return parseProfile(JSON.parse(await readFile(join(folder, file), "utf8")));
  });
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly TypedShape[];
    readonly output_type_shape?: readonly TypedShape[];
  };
}

/** { float: [1, 32, 112, 112] } */
type TypedShape = { readonly [type: string]: readonly number[] };

/** Kernel calls in a profile file: durations are in microseconds there. */
export function parseProfile(events: readonly ProfileEvent[]): KernelCall[] {
  return events.flatMap(({ cat, name, dur, args }) => {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || !args?.op_name) return [];
    const shapes = (list: readonly TypedShape[] = []) => list.flatMap((one) => Object.values(one));
    return [
      {
        ...{ op: args.op_name, ms: dur / 1000 },
        ...{ inputs: shapes(args.input_type_shape), outputs: shapes(args.output_type_shape) },
      },
    ];
  });
}
