import { UsageError } from "onebit";
import { loadOwn } from "../own/own-module.js";
import type { Recipe } from "../recipes/index.js";
import type { Callback, NamedCallback } from "./callback.js";
import type { Metric, Metrics } from "./metric.js";
import type { Targets } from "./targets.js";

/** Code of one's own that a training calls; a resumed run must be given it again. */
export interface OwnHooks {
  /** Instead of the recipe's. */
  readonly targets?: Targets;
  /** Besides the recipe's; evaluations have their values as `metrics`. */
  readonly metrics?: Metrics;
  /** Besides the recipe's. */
  readonly callbacks?: readonly Callback[];
}

export interface Hooks {
  readonly targets?: Targets;
  readonly metrics: Metrics;
  readonly callbacks: readonly NamedCallback[];
}

const isFunction = { "": "function" };

/** What the recipe's modules export, and what the caller gives besides. UsageError for what is no function. */
export async function hooksOf(
  recipe: Pick<Recipe, "targets" | "metrics" | "callbacks">,
  own: OwnHooks,
): Promise<Hooks> {
  const { targets = null, metrics = {}, callbacks = [] } = recipe;
  const loaded = Object.entries(metrics).map(
    async ([name, url]) => [name, await loadOwn<Metric>(url, "a metric", isFunction)] as const,
  );
  const named = callbacks.map(async (url) => ({
    name: url.replace(/.*\/|\?.*/g, ""),
    call: await loadOwn<Callback>(url, "a callback", isFunction),
  }));
  const given = (own.callbacks ?? []).map((call, i) => ({
    name: call.name || `number ${i + 1}`,
    call,
  }));
  return {
    targets:
      own.targets ?? (targets === null ? undefined : await loadOwn(targets, "targets", isFunction)),
    metrics: merged(Object.fromEntries(await Promise.all(loaded)), own.metrics ?? {}),
    callbacks: [...(await Promise.all(named)), ...given],
  };
}

function merged(recipes: Metrics, own: Metrics): Metrics {
  const twice = Object.keys(own).find((name) => Object.hasOwn(recipes, name));
  if (twice === undefined) return { ...recipes, ...own };
  throw new UsageError(`the recipe has a metric "${twice}" too: give yours another name`);
}
