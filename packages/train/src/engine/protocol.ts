import type { EnginePlan, EvaluateRequest, Snapshot, StepRequest } from "./types.js";

/** What an engine's thread is asked. */
export type Call =
  | { readonly method: "start"; readonly plan: EnginePlan; readonly values: Float32Array }
  | { readonly method: "step"; readonly request: StepRequest }
  | { readonly method: "evaluate"; readonly request: EvaluateRequest }
  | { readonly method: "snapshot" }
  | { readonly method: "restore"; readonly snapshot: Snapshot }
  | { readonly method: "dispose" };
