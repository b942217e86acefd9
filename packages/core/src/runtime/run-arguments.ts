import { classOf, describe } from "../describe.js";
import { UsageError } from "../errors.js";
import { checkOptions } from "./check-options.js";
import { shapeText } from "./given-data.js";
import type { RunOptions, TensorInfo } from "./model.js";
import { checkTensor, type FloatTensor } from "./tensor-input.js";

/** UsageError unless they ask for some of these outputs, each once, or for none in particular. */
export function checkRunOptions(options: RunOptions, known: readonly string[]): void {
  checkOptions<RunOptions>("run", options, {
    outputs: (outputs) => Array.isArray(outputs) || "a list of names",
  });
  const { outputs } = options;
  if (!outputs) return;
  const there = `there are ${known.map((name) => describe(name)).join(", ")}`;
  if (outputs.length === 0) throw new UsageError(`run: outputs names none: ${there}`);
  outputs.forEach((name, i) => {
    if (!known.includes(name)) throw new UsageError(`run: no output ${describe(name)}: ${there}`);
    if (outputs.indexOf(name) < i) throw new UsageError(`run: output "${name}" is named twice`);
  });
}

/** The tensor of a program's only input, given by name or alone, checked against what is wanted. */
export function inputTensor(given: unknown, name: string, info: TensorInfo): FloatTensor {
  if (!isNamed(given, name)) return checkTensor(given, info, "input");
  const takes = `this program takes { ${describe(name)}: { shape: ${shapeText("N", info)}, data } }`;
  const unknown = Object.keys(given).find((key) => key !== name);
  if (unknown !== undefined) throw new UsageError(`run: no input ${describe(unknown)}: ${takes}`);
  if (!Object.hasOwn(given, name)) throw new UsageError(`run: no input is given: ${takes}`);
  return checkTensor(given[name], info, `input ${describe(name)}`);
}

/** Whether it is a list of inputs by name, and not itself what should be a tensor. */
function isNamed(given: unknown, name: string): given is { readonly [name: string]: unknown } {
  if (classOf(given) !== "Object") return false;
  const object = given as { readonly [key: string]: unknown };
  const tensor = Object.hasOwn(object, name) ? object[name] : undefined;
  if (typeof tensor === "object" && tensor !== null && "shape" in tensor) return true;
  return !["shape", "data", "width"].some((key) => key in object);
}
