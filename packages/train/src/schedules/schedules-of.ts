import { OnebitError, UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { atOnce } from "../own/at-once.js";
import { isModule, loadOwn, reasonOf, shown } from "../own/own-module.js";
import { learningRate, type Position, type ScheduleConfig } from "./learning-rate.js";
import { type TemperatureConfig, temperature } from "./temperature.js";

/** What something is at a step: a learning rate, a temperature, any scalar input of a network. */
export type Schedule = (position: Position) => number;

/** Schedules of a training, made from its recipe and from what its caller gives. */
export interface Schedules {
  readonly learningRate: Schedule;
  /** Of every scalar input of the graph. */
  readonly scalars: { readonly [input: string]: Schedule };
}

/** What a recipe says of schedules. */
export interface ScheduleSettings {
  readonly schedule: ScheduleConfig;
  readonly temperature: TemperatureConfig;
  /** Modules whose default export is a Schedule, by the scalar input that follows it. */
  readonly scalars?: { readonly [input: string]: string };
}

/** What schedules are made for. */
export interface Scheduled {
  /** Scalar inputs of the graph. */
  readonly inputs: readonly string[];
  /** Temperature below which weights are binary; undefined for networks without one. */
  readonly threshold: number | undefined;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** The caller's own, by "learningRate" or a scalar input: instead of the recipe's. */
  readonly own?: { readonly [name: string]: Schedule };
}

/**
 * Every schedule of a training. UsageError where a scalar input has none, where one is for no input, or
 * where an own temperature does not end binary.
 */
export async function schedulesOf(
  { schedule, temperature: config, scalars = {} }: ScheduleSettings,
  { inputs, threshold, stepsPerEpoch, epochs, own = {} }: Scheduled,
): Promise<Schedules> {
  const known = ["learningRate", ...inputs];
  const stranger = [...Object.keys(own), ...Object.keys(scalars)].find(
    (name) => !known.includes(name),
  );
  if (stranger !== undefined) {
    throw new UsageError(unknownName("scalar input of the network", stranger, known));
  }
  const rate = own.learningRate ?? (await moduleOr(schedule, learningRate));
  const found = inputs.map(async (name) => {
    if (Object.hasOwn(own, name)) return [name, own[name]] as const;
    if (Object.hasOwn(scalars, name)) return [name, await fromModule(scalars[name])] as const;
    if (name !== "temperature" || threshold === undefined) throw withoutSchedule(name);
    const usual = (settings: TemperatureConfig, at: Position) =>
      temperature(settings, threshold, at);
    return [name, await moduleOr(config, usual)] as const;
  });
  const all = Object.fromEntries(await Promise.all(found));
  const checked = Object.entries(all).map(([name, one]) => [name, finite(name, one)]);
  const made = {
    learningRate: finite("learningRate", rate, 0),
    scalars: Object.fromEntries(checked),
  };
  const last = { step: epochs * stepsPerEpoch - 1, stepsPerEpoch, epochs };
  checkLastTemperature(made.scalars.temperature?.(last), threshold);
  return made;
}

/** A schedule that a recipe's group of fields names by its kind: a module's, or the usual one. */
async function moduleOr<C extends { readonly kind: string }>(
  config: C,
  usual: (config: C, position: Position) => number,
): Promise<Schedule> {
  return isModule(config.kind) ? fromModule(config.kind) : (position) => usual(config, position);
}

const fromModule = (url: string) => loadOwn<Schedule>(url, "a schedule", { "": "function" });

function finite(name: string, schedule: Schedule, least = Number.NEGATIVE_INFINITY): Schedule {
  return (position) => {
    const when = () =>
      `at step ${position.step + 1}, epoch ${Math.floor(position.step / position.stepsPerEpoch) + 1}`;
    let value: number;
    try {
      value = atOnce(() => schedule(position));
    } catch (cause) {
      throw new OnebitError(`the schedule of ${name} fails ${when()}: ${reasonOf(cause)}`, {
        cause,
      });
    }
    if (Number.isFinite(value) && value >= least) return value;
    throw new OnebitError(
      `the schedule of ${name} gives ${shown(value)} ${when()}: a number${least === 0 ? " from 0 on" : ""} is wanted`,
    );
  };
}

function checkLastTemperature(last: number | undefined, threshold: number | undefined): void {
  if (last === undefined || threshold === undefined || last < threshold) return;
  throw new UsageError(
    `the weights would not end binary: the temperature is ${last} at the last step and must be below ${threshold}`,
  );
}

function withoutSchedule(name: string): UsageError {
  return new UsageError(
    `the network has a scalar input "${name}" that nothing sets: a schedule is wanted, in the recipe (--set scalars.${name}=./schedule.mjs) or in train's schedules`,
  );
}
