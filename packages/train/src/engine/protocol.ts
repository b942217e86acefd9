import type { ThreadError } from "./thread-error.js";
import type { EnginePlan, EvaluateRequest, Snapshot, StepRequest } from "./types.js";

/** What crosses between an engine's two sides. */
export type Call = { readonly id: number } & (
  | { readonly method: "start"; readonly plan: EnginePlan; readonly values: Float32Array }
  | { readonly method: "step"; readonly request: StepRequest }
  | { readonly method: "evaluate"; readonly request: EvaluateRequest }
  | { readonly method: "snapshot" }
  | { readonly method: "restore"; readonly snapshot: Snapshot }
  | { readonly method: "dispose" }
);

export type Reply = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: ThreadError }
);
