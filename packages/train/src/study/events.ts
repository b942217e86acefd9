import type { EpochNews } from "./job.js";
import type { StudyPlan } from "./plan.js";
import type { RunResult } from "./results.js";
import type { StudyRun } from "./runs.js";

/** What a study tells while it goes on. */
export type StudyEvent =
  /** A few steps of a variant are tried, for the plan. */
  | { readonly event: "trying"; readonly variant: string }
  | { readonly event: "plan"; readonly plan: StudyPlan }
  | ({ readonly event: "run"; readonly pid: number | undefined } & StudyRun)
  | ({ readonly event: "epoch" } & StudyRun & EpochNews)
  /** isLast: it is not tried again in this sitting. */
  | ({ readonly event: "crash"; readonly message: string; readonly isLast: boolean } & StudyRun)
  | {
      readonly event: "run-ended";
      readonly result: RunResult;
      /** Runs that are done, of all. */
      readonly done: number;
      readonly of: number;
    };
