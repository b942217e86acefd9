import { UsageError } from "../errors.js";
import type { Graph } from "../graph/types.js";
import { weightEstimators } from "../ops/weight-estimators.js";
import { unknownName } from "../words/unknown-name.js";
import { models } from "./catalogue.js";
import { isEndBits } from "./end-bits.js";
import type { ModelEntry } from "./entry.js";
import type { BuildOptions, Form, ModelOptions } from "./options.js";

/** An architecture by name; UsageError with the names there are. */
export function modelNamed(name: string): ModelEntry {
  if (Object.hasOwn(models, name)) return models[name];
  throw new UsageError(unknownName("model", name, Object.keys(models)));
}

/**
 * Builds an architecture by name. Classes and input [C, H, W] default to what it was published (or
 * made) for, batch to 1, form to "binary", or "real" where there is no other.
 *
 * Graph inputs: "x" [N, C, H, W], normalised; "temperature", a scalar, in the binary form of the
 * BNext families. Outputs: "logits" [N, classes], "features" [N, C] and "stage-<stride>" maps. The
 * node that ends a block has the block's name ("feature.3", "layer1.0").
 */
export function buildModel(name: string, options: Partial<ModelOptions> = {}): Graph {
  const entry = modelNamed(name);
  const full: ModelOptions = {
    classes: entry.classes,
    input: entry.input,
    form: formsOf(name)[0],
    ...entry.defaults,
    ...given(options),
  };
  checkSwitches(name, entry, options);
  checkOptions(name, full);
  return entry.build(name, full);
}

function given(options: Partial<ModelOptions>): Partial<ModelOptions> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

const common: readonly string[] = [
  "classes",
  "input",
  "batch",
  "form",
] satisfies readonly (keyof BuildOptions)[];

function checkSwitches(name: string, entry: ModelEntry, options: Partial<ModelOptions>): void {
  const known: readonly string[] = [...common, ...entry.switches];
  const unknown = Object.keys(given(options)).find((option) => !known.includes(option));
  if (unknown === undefined) return;
  throw new UsageError(`${name} has no switch "${unknown}"; it has ${known.join(", ")}`);
}

/** Weight forms that an architecture has, the usual one first. */
export function formsOf(name: string): readonly Form[] {
  return modelNamed(name).forms ?? allForms;
}

const allForms: readonly Form[] = ["binary", "step1", "real"];

const choices: { readonly [option in keyof ModelOptions]?: readonly unknown[] } = {
  gate: ["mix", "input", "none"],
  stem: ["imagenet", "small"],
  stemStride: [1, 2],
  elm: [true, false],
  storedScale: [true, false],
  shortcutBias: [true, false],
  realShortcut: [true, false],
  bottleneck: [true, false],
  shortcut: ["zeros", "conv"],
  rsign: [true, false],
  widening: ["binary", "grouped", "real"],
  weightEstimator: weightEstimators,
};

function checkOptions(name: string, options: ModelOptions): void {
  const { classes, input, batch = 1, seReduction = 8 } = options;
  const whole = (what: string, value: number) => {
    if (Number.isSafeInteger(value) && value > 0) return;
    throw new UsageError(`${name}: ${what} ${value} must be a positive whole number`);
  };
  whole("classes", classes);
  whole("batch", batch);
  whole("seReduction", seReduction);
  if (input.length !== 3) {
    throw new UsageError(`${name}: input ${JSON.stringify(input)} must be channels, height, width`);
  }
  input.forEach((size, i) => {
    whole(`input ${["channels", "height", "width"][i]}`, size);
  });
  const hasShortcuts = modelNamed(name).family === "bnext-18";
  if (options.quantised !== undefined && !isEndBits(options.quantised, hasShortcuts)) {
    const fourth = hasShortcuts ? ", and of the shortcuts if they are not the stem's" : "";
    throw new UsageError(
      `${name}: quantised is "${options.quantised}", must be the bits of stem, gates and classifier${fourth}, each 4, 8 or 32, such as 8-4-8`,
    );
  }
  checkForm(name, options.form);
  const all = { ...choices, ...modelNamed(name).choices };
  for (const [option, allowed] of Object.entries(all)) {
    const value = options[option as keyof ModelOptions];
    if (value === undefined || allowed.includes(value)) continue;
    throw new UsageError(
      `${name}: ${option} is ${JSON.stringify(value)}, must be ${allowed.join(" or ")}`,
    );
  }
}

function checkForm(name: string, form: unknown): void {
  const forms = formsOf(name);
  if (form === undefined || forms.some((one) => one === form)) return;
  const told = `${name}: form is ${JSON.stringify(form)}`;
  const isKnown = allForms.some((one) => one === form);
  if (!isKnown || forms === allForms) {
    throw new UsageError(`${told}, must be ${forms.join(" or ")}`);
  }
  throw new UsageError(
    forms.includes("real")
      ? `${told}, but it is a float network: nothing in it can be 1-bit. Say form real, or choose a network that has such weights`
      : `${told}, but its maps are signs, which only form ${forms.join(" or ")} has`,
  );
}
