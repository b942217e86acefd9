import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { shellWord } from "onebit/words";
import { writeWhole } from "../run/files.js";
import { firstDifference, plainData } from "../run/run-folder.js";
import type { Choice } from "./choice.js";
import { anyGroup, listOf, text } from "./fields.js";
import type { PlannedVariant, StudyPlan } from "./plan.js";
import type { Study } from "./study.js";

/**
 *   plan.json        what was asked for, before the first run
 *   runs/            a run folder for each variant and seed
 *   study.json       what came of it so far, after every run
 *   study.html       the same as a page
 *   lock             the process that runs it, as long as it does
 */
export class StudyFolder {
  constructor(readonly path: string) {}

  get plan(): string {
    return join(this.path, "plan.json");
  }

  get runs(): string {
    return join(this.path, "runs");
  }

  get results(): string {
    return join(this.path, "study.json");
  }

  get page(): string {
    return join(this.path, "study.html");
  }

  get lock(): string {
    return join(this.path, "lock");
  }

  /** What it was begun with; undefined where it holds none. */
  async read(): Promise<StudyPlan | undefined> {
    const json = await readFile(this.plan, "utf8").catch(() => undefined);
    if (json === undefined) return undefined;
    try {
      return readPlan(json);
    } catch (error) {
      throw new OnebitError(
        `${this.plan}: ${(error as Error).message}: the file is damaged: put back a copy of it, or begin in another folder (--out)`,
      );
    }
  }

  /** UsageError where a study can neither begin here nor go on. */
  async checkPlace(resume: boolean): Promise<StudyPlan | undefined> {
    const before = await this.read();
    if (resume && !before) {
      throw new UsageError(`${this.path}: holds no study to resume; start without --resume`);
    }
    if (resume || !before) return before;
    throw new UsageError(
      `${this.path}: already holds a study: go on with it (--resume) or choose another folder (--out)`,
    );
  }

  async writePlan(plan: StudyPlan): Promise<void> {
    await writeWhole(this.plan, `${JSON.stringify(plan, null, 2)}\n`);
  }
}

/** Checked as far as whoever goes on relies on it. UsageError, with the field, for what is no plan. */
function readPlan(json: string): StudyPlan {
  const plan = anyGroup<StudyPlan>(parsed(json), "the plan");
  listOf(anyGroup)(anyGroup<Study>(plan.study, "study").variants, "study.variants");
  anyGroup(plan.data, "data");
  const { variants, set } = anyGroup<Choice>(plan.choice, "choice");
  listOf(text)(variants, "choice.variants");
  listOf(text)(set, "choice.set");
  const planned = anyGroup<StudyPlan["variants"]>(plan.variants, "variants");
  for (const [name, own] of Object.entries(planned)) {
    const { recipe, fitted } = anyGroup<PlannedVariant>(own, `variants.${name}`);
    anyGroup(recipe, `variants.${name}.recipe`);
    anyGroup(fitted, `variants.${name}.fitted`);
  }
  return plan;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new UsageError("is not JSON");
  }
}

/** UsageError, by field, where runs would not be what those are that are there. */
export function refuseOtherStudy(
  path: string,
  before: Pick<StudyPlan, "study" | "choice">,
  now: { readonly study: Study; readonly choice: Choice },
): void {
  const names = now.study.variants.map(({ name }) => name);
  const common = before.study.variants
    .map(({ name }) => name)
    .filter((name) => names.includes(name));
  const difference =
    firstDifference(decisive(before.study, common), decisive(now.study, common), "study") ??
    firstDifference(before.choice.set, now.choice.set, "--set");
  if (difference === undefined) return;
  throw new UsageError(
    `${path}: holds runs of other settings: ${difference}. Put that back, or begin in another folder (--out ${shellWord(`${path}-2`)})`,
  );
}

/** What explains, how often it is run, and further variants may change. */
function decisive(study: Study, names: readonly string[]): unknown {
  const { question: _, source: __, observe: ___, seeds: ____, variants, ...rest } = study;
  const own = variants
    .filter(({ name }) => names.includes(name))
    .map(({ about: _, seeds: __, ...variant }) => [variant.name, variant]);
  return plainData({ ...rest, variants: Object.fromEntries(own) });
}
