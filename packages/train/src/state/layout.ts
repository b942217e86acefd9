import { type Graph, type Shape, sizeOf, type TensorKind, type TensorRole } from "onebit/graph";
import {
  groupOf,
  groupSettings,
  type OptimiserConfig,
  type ParameterGroup,
  rateOf,
} from "../optimisers/index.js";

/** Where one tensor lies in the flat arrays. */
export interface Segment {
  readonly key: string;
  readonly shape: Shape;
  readonly kind: TensorKind;
  readonly role: TensorRole;
  readonly mirrors?: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Order of all tensors in one flat array: trained parameters first, group by group, so that
 * gradients and moments are arrays of `trained` elements; buffers, counters and what the loss does
 * not reach follow. Plain data.
 */
export interface Layout {
  readonly segments: readonly Segment[];
  readonly groups: readonly ParameterGroup[];
  /** Elements that the optimiser updates. */
  readonly trained: number;
  readonly length: number;
}

/** trainedKeys: parameters that receive a gradient. */
export function layoutOf(
  graph: Graph,
  trainedKeys: ReadonlySet<string>,
  config: OptimiserConfig,
): Layout {
  const segments: Segment[] = [];
  const groups: ParameterGroup[] = [];
  let length = 0;
  const place = (key: string) => {
    const { shape, kind, role, mirrors } = graph.tensors[key];
    const start = length;
    length += sizeOf(shape);
    segments.push({ key, shape, kind, role, mirrors, start, end: length });
  };
  const keys = Object.keys(graph.tensors);
  const placed = keys
    .filter((key) => trainedKeys.has(key))
    .map((key) => ({
      key,
      group: groupOf(key, graph.tensors[key], config),
      rate: rateOf(key, config),
    }));
  for (let group = 0; group <= config.groups.length; group++) {
    const members = placed.filter((one) => one.group === group);
    const settings = groupSettings(group, config);
    for (const rate of new Set(members.map((one) => one.rate))) {
      const start = length;
      for (const one of members) if (one.rate === rate) place(one.key);
      const learningRateScale = settings.learningRateScale * rate;
      groups.push({ ...settings, learningRateScale, start, end: length });
    }
  }
  const trained = length;
  keys.filter((key) => !trainedKeys.has(key)).forEach(place);
  return { segments, groups, trained, length };
}

/** Views of a flat array, by tensor key. */
export function viewsOf(layout: Layout, flat: Float32Array): Map<string, Float32Array> {
  return new Map(layout.segments.map(({ key, start, end }) => [key, flat.subarray(start, end)]));
}
