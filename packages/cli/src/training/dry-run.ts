import { type DryRun, recipeFields, type StageForecast, type TimedStep } from "@onebit/train";
import { counted } from "onebit/words";
import { bytes, count, duration, type Output, percent, table } from "../terminal.js";

const LEFT = ["left", "left", "left"] as const;

/** What `train --dry-run` says. */
export function printDryRun(run: DryRun, out: Output): void {
  for (const note of run.notes) out.note(`note: ${note}`);
  out.line(recipeTable(run));
  for (const stage of run.stages) {
    out.line();
    out.line(stageTable(stage, run));
  }
  out.line();
  out.line(table(["the whole run", "", ""], wholeRows(run), LEFT));
}

/** Every field; those that are others than the recipe's own say what that has. */
function recipeTable({ recipe }: DryRun): string {
  const rows = recipeFields(recipe).map(({ field, value, usual, isOverridden }) => [
    field,
    text(value),
    isOverridden ? `instead of ${text(usual)}` : "",
  ]);
  return table([`recipe ${recipe.name}`, "", ""], rows, LEFT);
}

function text(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function stageTable(stage: StageForecast, { recipe }: DryRun): string {
  const { record, epochs, stepsPerEpoch, microBatch, replicas, memory, seconds } = stage;
  const { data, preprocess, threads, seed, teachers = [] } = record;
  const { batch } = stage.recipe;
  const changed = stage.name === null ? [] : recipeFields(stage.recipe, recipe);
  const model = "graph" in record.model ? record.model.graph.name : record.model.name;
  const rows = [
    ...changed
      .filter(({ isOverridden }) => isOverridden)
      .map(({ field, value, usual }) => [field, text(value), `instead of ${text(usual)}`]),
    ["network", model, `sees ${preprocess.channels}x${preprocess.size.join("x")}`],
    ["training images", count(data.trainImages), data.spec],
    ["test images", count(data.testImages), counted(data.classes.length, "class")],
    ...teachers.map(({ role, path }) => [role, path, "opened and checked, not measured"]),
    ["epochs", count(epochs), `of ${counted(stepsPerEpoch, "step")} of ${counted(batch, "image")}`],
    [
      "micro-batch",
      count(microBatch),
      `${replicas} at once, ${counted(threads, "thread")}, seed ${seed}`,
    ],
    [
      "memory, at least",
      bytes(memory.total),
      `${bytes(memory.values)} values${replicas > 1 ? ` (${replicas} times)` : ""}, ${bytes(memory.state)} state`,
    ],
    ...stage.segments.flatMap(({ steps, teachers, firstEpoch, epochs }) => [
      [
        "steps taken here",
        steps.map(({ milliseconds }) => `${milliseconds.toFixed(0)} ms`).join(", "),
        stage.segments.length > 1
          ? `epochs ${firstEpoch} to ${firstEpoch + epochs - 1}: ${teachers.join(", ")}`
          : waiting(steps),
      ],
    ]),
    ["all steps", duration(seconds.steps), ""],
    ["all evaluations", duration(seconds.evaluations), "after each epoch"],
    ...(seconds.teachers
      ? [["measuring teachers", duration(seconds.teachers), "on the test images, at the beginning"]]
      : []),
    ...(seconds.views
      ? [["asking teachers", duration(seconds.views), "about views, at the beginning"]]
      : []),
  ];
  return table(
    [stage.name === null ? "training" : `stage ${stage.name}, before it`, "", ""],
    rows,
    LEFT,
  );
}

/** Of the time of the steps that were taken. */
function waiting(steps: readonly TimedStep[]): string {
  const all = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const share = (of: "images" | "teachers") =>
    percent(steps.reduce((sum, step) => sum + step.waiting[of], 0) / all, 1);
  return `${share("images")} waiting for images, ${share("teachers")} for teachers`;
}

function wholeRows({ seconds, peakMemory }: DryRun): string[][] {
  return [
    ["would take", duration(seconds), "at this speed, nothing was written"],
    ["memory so far", bytes(peakMemory), "all of this process"],
  ];
}
