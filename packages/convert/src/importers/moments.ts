import { OnebitError } from "onebit";
import type { Tensor } from "onebit/graph";
import type { Checkpoint } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import type { Match } from "./match.js";

/** What PyTorch's optimiser had kept of a network's parameters. */
export interface ImportedMoments {
  /** Steps that it had taken. */
  readonly step: number;
  /** By its own name ("exp_avg", "exp_avg_sq", "momentum_buffer"), then by the graph's key. */
  readonly moments: { readonly [name: string]: { readonly [key: string]: Tensor } };
}

/** A parameter, as PyTorch calls it and as the graph does. */
interface Parameter {
  readonly name: string;
  readonly key: string;
  readonly match: Match;
  readonly stored: TensorEntry;
}

/**
 * How trainings divide parameters into two groups. A checkpoint numbers them, group by group, and does not name
 * them: which division it was is told by the numbers of parameters and by their shapes.
 */
const DIVISIONS: readonly ((parameter: Parameter) => boolean)[] = [
  // ReActNet: weights that decay in its first step.
  ({ name, stored }) => stored.shape.length === 4 || name.includes("conv"),
  // BNext.
  ({ name, stored }) => stored.shape.length === 4 || name.includes("binary_conv"),
  // timm: biases and what has one dimension do not decay.
  ({ name, stored }) => stored.shape.length > 1 && !name.endsWith(".bias"),
];

/**
 * The moments beside a network. inFile: the paths of the network's tensors in the file's order, which is PyTorch's
 * order of parameters. OnebitError where there is no optimiser, or where it is not clear which moments are whose.
 */
export async function momentsOf(
  { tensors, metadata }: Checkpoint,
  matches: readonly Match[],
  inFile: readonly (readonly string[])[],
): Promise<ImportedMoments> {
  const state = new Map<number, Map<string, TensorEntry>>();
  for (const entry of tensors.values()) {
    const [, id, name] = STATE.exec(entry.path.join(".")) ?? [];
    if (id === undefined) continue;
    const known = state.get(Number(id)) ?? new Map<string, TensorEntry>();
    state.set(Number(id), known.set(name, entry));
  }
  if (!state.size) {
    throw new OnebitError(
      "holds no state of an optimiser: moments come from checkpoints of trainings that saved theirs",
    );
  }
  const groups: number[][] = [];
  for (const [path, value] of metadata) {
    if (GROUP.test(path) && Array.isArray(value)) groups.push(value.map(Number));
  }
  const parameters = parametersOf(matches, inFile);
  const owners = assigned(parameters, groups, state);
  const moments: { [name: string]: { [key: string]: Tensor } } = {};
  const steps = new Set<number>();
  for (const [id, { key, match, stored }] of owners) {
    for (const [name, entry] of state.get(id) ?? []) {
      if (name === "step") steps.add((await entry.floats())[0]);
      else if (entry.shape.join() === stored.shape.join()) {
        moments[name] ??= {};
        moments[name][key] = { shape: match.spec.shape, data: await entry.floats() };
      }
    }
  }
  for (const [path, value] of metadata) if (STEP.test(path)) steps.add(Number(value));
  if (steps.size > 1) {
    throw new OnebitError(
      `the optimiser took different numbers of steps for different parameters (${[...steps].slice(0, 3).join(", ")}): only one for all can be gone on from`,
    );
  }
  return { step: [...steps][0] ?? 0, moments };
}

/** The dict is called "optimizer" by most, "optimizer_state_dict" by some. */
const STATE = /^optim\w*\.state\.(\d+)\.(\w+)$/;
const STEP = /^optim\w*\.state\.\d+\.step$/;
const GROUP = /^optim\w*\.param_groups\.\d+\.params$/;

/** Whether a path is of an optimiser's dict. */
export const isOptimiser = (path: string): boolean => /^optim\w*\./.test(path);

function parametersOf(
  matches: readonly Match[],
  inFile: readonly (readonly string[])[],
): Parameter[] {
  const byPath = new Map<string, Parameter>();
  for (const match of matches) {
    const { key, spec, entry, absent } = match;
    if (absent || (spec.kind !== "parameter" && spec.kind !== "dead")) continue;
    if (/\.running_(mean|var)$/.test(key)) continue;
    const stored = entry.stored ?? entry;
    const name = stored.path.at(-1)!;
    byPath.set(stored.path.join("\0"), { name, key, match, stored });
  }
  return inFile.flatMap((path) => byPath.get(path.join("\0")) ?? []);
}

/** Whose number is whose. */
function assigned(
  parameters: readonly Parameter[],
  groups: readonly (readonly number[])[],
  state: ReadonlyMap<number, ReadonlyMap<string, TensorEntry>>,
): ReadonlyMap<number, Parameter> {
  const fitting = new Map<string, ReadonlyMap<number, Parameter>>();
  for (const division of divisions(parameters, groups.length)) {
    if (division.some((group, i) => group.length !== groups[i].length)) continue;
    const owners = new Map(division.flatMap((group, i) => group.map((p, j) => [groups[i][j], p])));
    if ([...owners].every(([id, parameter]) => fits(parameter, state.get(id)))) {
      fitting.set([...owners].map(([id, { key }]) => `${id} ${key}`).join(), owners);
    }
  }
  const [first] = fitting.values();
  if (fitting.size === 1) return first;
  const sizes = groups.map(({ length }) => length).join(" and ");
  const why =
    fitting.size > 1
      ? "several divisions of the parameters fit it"
      : "no known division of the parameters fits it";
  throw new OnebitError(
    `the optimiser has ${sizes} parameters in its groups, without names, and ${why}: its moments cannot be told apart`,
  );
}

function divisions(parameters: readonly Parameter[], groups: number): Parameter[][][] {
  if (groups === 1) return [[[...parameters]]];
  if (groups !== 2) return [];
  return DIVISIONS.flatMap((isFirst) => {
    const first = parameters.filter(isFirst);
    const second = parameters.filter((parameter) => !isFirst(parameter));
    return [
      [first, second],
      [second, first],
    ];
  });
}

/** A parameter that got no gradient has no state. */
function fits({ stored }: Parameter, state: ReadonlyMap<string, TensorEntry> = new Map()): boolean {
  const kept = [...state].filter(([name]) => name !== "step");
  return kept.every(([, { shape }]) => shape.join() === stored.shape.join());
}
