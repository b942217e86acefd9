import { OnebitError } from "onebit";
import type { Form, Gate, Stem, Switches } from "onebit/models";

/** Shapes of the file's tensors by key. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** What keys and shapes can say about a network of one family. */
export interface FamilyKeys {
  /** A key that no other family has. */
  readonly mark: RegExp;
  /** Keys of its modules; others do not belong to it. */
  readonly members: RegExp;
  /** Where the input's channels and the stem's width stand. */
  readonly stem: string;
  /** Switches that are not the family's defaults. */
  readonly switches: (shapes: Shapes) => Switches;
  /** Undefined where keys do not tell. */
  readonly form: (shapes: Shapes) => Form | undefined;
}

export type ImportableFamily = "bnext" | "bnext-18" | "reactnet" | "reactnet-resnet";

/** Official key patterns of every family; sources: hpi-xnor/BNext and liuzechun/ReActNet. */
export const families: { readonly [family in ImportableFamily]: FamilyKeys } = {
  bnext: {
    mark: /^feature\.\d+\.(Attention|FFN_3x3|FFN|FFN_1|FFN_2)\./,
    members: /^(feature|prelu|fc)\./,
    stem: "feature.0.conv1.weight",
    switches: (shapes) => ({
      widths: widths(shapes, "FFN_1.binary_conv.weight"),
      elm: some(shapes, /\.FFN_3x3\./) ? false : undefined,
      ...infoRcp(shapes),
    }),
    form: bnextForm,
  },
  "bnext-18": {
    mark: /^layer\d+\.\d+\.(Attention|FFN)\./,
    members: /^(conv1|bn1|layer\d+|prelu|fc)\./,
    stem: "conv1.weight",
    switches: (shapes) => ({
      ...resnet(shapes, 0, [2, 2, 2, 2]),
      ...infoRcp(shapes),
      shortcutBias: some(shapes, /\.downsample\.1\.bias$/) || undefined,
    }),
    form: bnextForm,
  },
  reactnet: {
    mark: /^feature\.\d+\.(move11|binary_3x3|binary_pw)/,
    members: /^(feature|fc)\./,
    stem: "feature.0.conv1.weight",
    switches: (shapes) => ({
      widths: widths(shapes, "binary_pw_down1.weights", "binary_pw_down1.weight"),
    }),
    form: (shapes) => (some(shapes, /\.binary_\w+\.weights$/) ? "binary" : undefined),
  },
  "reactnet-resnet": {
    mark: /^layer\d+\.\d+\.(move0|binary_conv)\./,
    members: /^(conv1|bn1|layer\d+|fc)\./,
    stem: "conv1.weight",
    switches: (shapes) => resnet(shapes, 1, []),
    form: (shapes) => (some(shapes, /\.binary_conv\.weights$/) ? "binary" : undefined),
  },
};

export function familyOf(keys: readonly string[]): ImportableFamily | undefined {
  const names = Object.keys(families) as ImportableFamily[];
  return names.find((name) => keys.some((key) => families[name].mark.test(key)));
}

/** One dimension of a tensor that recognition cannot do without. */
export function dimension(shapes: Shapes, key: string, axis: number, what: string): number {
  const size = shapes.get(key)?.[axis];
  if (size) return size;
  throw new OnebitError(
    shapes.has(key)
      ? `${key}: shape [${shapes.get(key)}] does not say ${what}`
      : `${key} is missing, which says ${what}: is this a whole network?`,
  );
}

/** No published network comes near this. */
const maxBlocks = 1000;

/** Stem, then every block: twice as wide where it has the tensor (of these names) of a twin 1x1. */
function widths(shapes: Shapes, ...twins: readonly string[]): number[] {
  const list = [dimension(shapes, "feature.0.conv1.weight", 0, "how wide the stem is")];
  const blocks = contiguous(shapes, /^feature\.(\d+)\./, 0);
  for (let i = 1; i < blocks; i++) {
    const widens = twins.some((twin) => shapes.has(`feature.${i}.${twin}`));
    list.push(list[i - 1] * (widens ? 2 : 1));
  }
  return list;
}

function resnet(shapes: Shapes, first: 0 | 1, defaults: readonly number[]): Switches {
  const width = dimension(shapes, "conv1.weight", 0, "how wide the first stage is");
  const stages = contiguous(shapes, /^layer(\d+)\./, first);
  const depths = Array.from({ length: stages }, (_, stage) =>
    contiguous(shapes, new RegExp(`^layer${stage + first}\\.(\\d+)\\.`), 0),
  );
  const kernel = dimension(shapes, "conv1.weight", 2, "which stem it is");
  const stem: Stem = kernel === 7 ? "imagenet" : "small";
  return {
    width: width === 64 ? undefined : width,
    depths: depths.join() === defaults.join() ? undefined : depths,
    stem,
  };
}

/** How many blocks there are, numbered from `first` without gaps. */
function contiguous(shapes: Shapes, pattern: RegExp, first: number): number {
  const numbers = new Set<number>();
  for (const key of shapes.keys()) {
    const match = pattern.exec(key);
    if (match) numbers.add(Number(match[1]));
  }
  if (numbers.size > maxBlocks) {
    throw new OnebitError(`${numbers.size} blocks: no network of a known family has so many`);
  }
  const gap = Array.from(numbers, (_, i) => i + first).find((number) => !numbers.has(number));
  if (gap === undefined) return numbers.size;
  throw new OnebitError(
    `the blocks are numbered ${[...numbers].slice(0, 8).join(", ")}: number ${gap} is missing`,
  );
}

function infoRcp(shapes: Shapes): Switches {
  return { gate: gate(shapes), seReduction: reduction(shapes) };
}

function gate(shapes: Shapes): Gate | undefined {
  if (!some(shapes, /\.se\.se\.\d/)) return "none";
  return some(shapes, /\.scale$/) ? undefined : "input";
}

/** floor(C / r) hidden channels, at least one, in every gate; undefined for the published 8. */
function reduction(shapes: Shapes): number | undefined {
  const gates = [...shapes.keys()].flatMap((key) => {
    const unit = /^(.*\.se\.se)\.1\.weight$/.exec(key)?.[1];
    const [hidden, channels] = [shapes.get(key)?.[0], shapes.get(`${unit}.3.weight`)?.[0]];
    return unit && hidden && channels ? [{ hidden, channels }] : [];
  });
  const fits = (r: number) =>
    gates.every(({ hidden, channels }) => hidden === Math.max(1, Math.floor(channels / r)));
  if (fits(8)) return undefined;
  const ratios = gates.map(({ hidden, channels }) => Math.max(1, Math.floor(channels / hidden)));
  return [16, ...ratios].find(fits);
}

/** Temperatures belong to binary weights, dead PReLUs to the official modules only. */
function bnextForm(shapes: Shapes): Form {
  if (some(shapes, /\.binary_conv\.temperature$/)) return "binary";
  return some(shapes, /\.FFN\w*\.activation1\.weight$/) ? "step1" : "real";
}

function some(shapes: Shapes, pattern: RegExp): boolean {
  return [...shapes.keys()].some((key) => pattern.test(key));
}
