import { OnebitError, type SignalLike, UsageError } from "onebit";
import { type Preprocess, preprocess } from "onebit/image";
import { decodeImage } from "onebit/images";
import { unknownName } from "onebit/words";
import { type Dataset, openDataset, type RawImage } from "../data/index.js";
import { sample } from "../data/open-split.js";
import { type Histogram, histogram, rangeOf } from "../drawing/index.js";
import { recordedData } from "../run/data-of-run.js";
import { type ActivationLayer, activationLayers, type SignLayer } from "./activation-layers.js";
import { type FeatureMaps, featureMaps } from "./feature-maps.js";
import { mapShape, openPictured, openValues, type PicturedNetwork } from "./network.js";

/** What is looked at. */
export interface PictureOptions {
  /** Path of the picture whose feature maps are shown; default: the first of the data. */
  readonly image?: string;
  /** As openDataset takes it: histograms are of its test images; default: those of the run. */
  readonly data?: string;
  /** How many of them, chosen by seed 0; default 32. */
  readonly images?: number;
  /** Names of signs whose feature maps are shown; default: four, from the first to the last. */
  readonly layers?: readonly string[];
  /** Channels of each; default 6. */
  readonly channels?: number;
  readonly threads?: number;
  readonly onProgress?: (images: number, of: number) => void;
  readonly signal?: SignalLike;
}

/** How a layer's values are distributed over images. */
export interface Distribution {
  /** sign: of x - threshold. prelu: of x. */
  readonly before: Histogram;
  /** prelu: of y. */
  readonly after?: Histogram;
  /** sign: share of +1. */
  readonly positive?: number;
}

/** What a network learned, as plain data. */
export interface Picture {
  readonly path: string;
  readonly kind: PicturedNetwork["kind"];
  readonly layers: readonly ActivationLayer[];
  /** By the names of layers. */
  readonly distributions: { readonly [layer: string]: Distribution };
  /** How many images these are of, and which. */
  readonly images: number;
  readonly imagesOf: string | null;
  readonly maps: readonly FeatureMaps[];
  /** Whose feature maps these are. */
  readonly shown: { readonly name: string; readonly image: RawImage } | null;
  readonly notes: readonly string[];
}

const [IMAGES, LAYERS, CHANNELS] = [32, 4, 6];
/** Values of an image that a histogram counts, at equal distances. */
const COUNTED = 4096;

/**
 * Thresholds, slopes and shifts of every sign and PReLU; their distributions over images; feature maps of one image
 * as real numbers and as signs. Without images only what was learned. UsageError for layers and files that are not
 * there or of another kind; OnebitError where the network does not say how it wants its images.
 */
export async function picture(path: string, options: PictureOptions = {}): Promise<Picture> {
  const network = await openPictured(path);
  const layers = activationLayers(network.graph, network.tensors);
  if (!layers.length) {
    throw new OnebitError(`${path}: has neither signs nor PReLUs: there is nothing to show of it`);
  }
  const signs = chosenSigns(path, network, layers, options.layers);
  const seen = await imagesOf(path, options);
  const { kind, notes } = network;
  const base = { path, kind, layers };
  if (!seen) {
    const note = "no images: only what was learned is shown; name an IMAGE, or give --data";
    const none = { distributions: {}, images: 0, imagesOf: null, maps: [], shown: null };
    return { ...base, ...none, notes: [...notes, note] };
  }
  const looked = await look(path, network, layers, signs, seen, options);
  return { ...base, ...looked, imagesOf: seen.name, notes };
}

interface SeenImages {
  readonly name: string;
  readonly count: number;
  readonly image: (i: number) => RawImage | Promise<RawImage>;
  readonly shown: { readonly name: string; readonly image: RawImage };
}

async function imagesOf(path: string, options: PictureOptions): Promise<SeenImages | undefined> {
  const { image, data, images } = options;
  const given = image === undefined ? undefined : { name: image, image: await decodeImage(image) };
  const dataset = await datasetOf(path, data, given !== undefined);
  if (dataset) {
    const { length } = dataset.test;
    if (images !== undefined && images > length) {
      throw new UsageError(
        `${dataset.spec}: cannot use ${images} test images: there are ${length}`,
      );
    }
    const test = sample(dataset.test, images ?? Math.min(IMAGES, length), 0, "test");
    const first = { name: test.source(0), image: await test.image(0) };
    const name = `${dataset.name}, test images`;
    return { name, count: test.length, image: (i) => test.image(i), shown: given ?? first };
  }
  return given && { name: given.name, count: 1, image: () => given.image, shown: given };
}

/** Of a run its own, unless one picture is enough. */
async function datasetOf(
  path: string,
  spec: string | undefined,
  hasImage: boolean,
): Promise<Dataset | undefined> {
  if (spec !== undefined) return openDataset(spec);
  return hasImage ? undefined : recordedData(path);
}

/** Signs of maps: those named, or a few from the first to the last. */
function chosenSigns(
  path: string,
  { graph }: PicturedNetwork,
  layers: readonly ActivationLayer[],
  names: readonly string[] | undefined,
): SignLayer[] {
  const signs = layers.filter((layer) => layer.kind === "sign");
  const maps = signs.filter(({ input }) => mapShape(graph, input) !== undefined);
  if (!names) {
    const last = Math.min(LAYERS, maps.length) - 1;
    const at = Array.from({ length: last + 1 }, (_, i) =>
      Math.round((i * (maps.length - 1)) / (last || 1)),
    );
    return at.map((i) => maps[i]);
  }
  return names.map((name) => {
    const found = maps.find((layer) => layer.name === name);
    if (found) return found;
    const known = maps.map((layer) => layer.name);
    throw new UsageError(`${path}: ${unknownName("sign", name, known)}`);
  });
}

async function look(
  path: string,
  network: PicturedNetwork,
  layers: readonly ActivationLayer[],
  signs: readonly SignLayer[],
  { count, image, shown }: SeenImages,
  { channels = CHANNELS, threads = 1, onProgress, signal }: PictureOptions,
): Promise<Pick<Picture, "distributions" | "images" | "maps" | "shown">> {
  const how = preparation(path, network);
  const watched = layers.flatMap((layer) =>
    layer.kind === "sign" ? [layer.shifted] : [layer.input, layer.output],
  );
  const wanted = [...new Set([...watched, ...signs.map(({ input }) => input)])];
  const values = await openValues(path, network, wanted, threads);
  const valuesOf = (pixels: RawImage) =>
    values.of({ shape: [1, how.channels, ...how.size], data: preprocess(pixels, how) });
  const kept = new Map<string, number[]>(watched.map((name) => [name, []]));
  try {
    for (let i = 0; i < count; i++) {
      signal?.throwIfAborted();
      const found = await valuesOf(await image(i));
      for (const [name, all] of kept) keep(all, found.get(name)!);
      onProgress?.(i + 1, count);
    }
    const found = await valuesOf(shown.image);
    const maps = signs.map((layer) => {
      const shape = mapShape(network.graph, layer.input)!;
      return featureMaps(layer, found.get(layer.input)!, shape, channels);
    });
    const spread = layers.map((layer) => [layer.name, distribution(layer, kept)]);
    return { distributions: Object.fromEntries(spread), images: count, maps, shown };
  } finally {
    await values.dispose();
  }
}

function preparation(path: string, { preprocess: how }: PicturedNetwork): Preprocess {
  if (how) return how;
  throw new OnebitError(`${path}: does not say how its images are prepared`);
}

function keep(all: number[], values: Float32Array): void {
  const step = Math.max(1, values.length / COUNTED);
  for (let i = 0; i < values.length; i += step) all.push(values[Math.floor(i)]);
}

function distribution(
  layer: ActivationLayer,
  kept: ReadonlyMap<string, readonly number[]>,
): Distribution {
  if (layer.kind === "sign") {
    const values = kept.get(layer.shifted)!;
    const positive = values.filter((x) => x > 0).length / values.length;
    return { before: histogram(values), positive };
  }
  const [before, after] = [layer.input, layer.output].map((name) => kept.get(name)!);
  const range = rangeOf([...rangeOf(before), ...rangeOf(after)]);
  return { before: histogram(before, range), after: histogram(after, range) };
}
