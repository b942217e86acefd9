import type { FloatTensor, Model, StepProfile } from "onebit";
import { OnebitError } from "onebit";
import { median, timed } from "../bench/latency.js";

/** Several runs of a model, taken together. */
export interface ProfiledRuns {
  readonly runs: number;
  /** Milliseconds of a whole run by the caller's clock: the median. */
  readonly wallMs: number;
  /** Sum of the steps over the whole run, both of the same run: the median. */
  readonly covered: number;
  /** The median of each step. */
  readonly steps: readonly StepProfile[];
}

export interface ProfileOptions {
  readonly warmupMs?: number;
  readonly minRuns?: number;
  readonly maxRuns?: number;
  readonly budgetMs?: number;
}

/** Runs a model on one input again and again; OnebitError where its backend keeps no profile. */
export async function profileRuns(
  model: Pick<Model, "run" | "profile" | "backend">,
  input: FloatTensor,
  { warmupMs = 300, minRuns = 3, maxRuns = 40, budgetMs = 3000 }: ProfileOptions = {},
): Promise<ProfiledRuns> {
  await model.run(input);
  for (const end = performance.now() + warmupMs; performance.now() < end; ) await model.run(input);
  const walls: number[] = [];
  const profiles: StepProfile[][] = [];
  const start = performance.now();
  while (
    walls.length < minRuns ||
    (walls.length < maxRuns && performance.now() - start < budgetMs)
  ) {
    walls.push(await timed(() => model.run(input)));
    const profile = model.profile();
    if (!profile) {
      throw new OnebitError(
        `backend ${model.backend} does not say how long its steps take: take another --backend`,
      );
    }
    profiles.push(profile);
  }
  const steps = profiles[0].map((step, i) => {
    return { ...step, milliseconds: median(profiles.map((profile) => profile[i].milliseconds)) };
  });
  return {
    runs: walls.length,
    wallMs: median(walls),
    covered: median(profiles.map((profile, i) => stepTotal(profile) / walls[i])),
    steps,
  };
}

export function stepTotal(steps: readonly { readonly milliseconds: number }[]): number {
  return steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}
