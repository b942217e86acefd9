import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { loadOnnxRuntime, onnxRuntimeVersion } from "@onebit/convert";
import { type SignalLike, UsageError } from "onebit";
import { type FloatModel, floatModelGraph } from "onebit/models";
import { type Dataset, fingerprint, openDataset } from "../data/index.js";
import { sample } from "../data/open-split.js";
import { recordedData, refuseAmongPictures } from "../run/data-of-run.js";
import { writeWhole } from "../run/files.js";
import { takeLock } from "../run/lock.js";
import { RunFolder } from "../run/run-folder.js";
import { unfinishedNotes } from "../run/unfinished.js";
import { versions } from "../run/versions.js";
import { sourceRevision } from "../study/revision.js";
import { type ModelKind, modelKind, openFloatModel } from "../subjects/index.js";
import { coordinate } from "./coordinate.js";
import { filterNormalised, movedBy } from "./directions.js";
import { openLosses } from "./losses.js";
import { landscapePage } from "./page.js";
import { contoursSvg, sliceSvg } from "./pictures.js";
import {
  type GridSettings,
  LandscapeFolder,
  type LandscapeRecord,
  type PlacedLoss,
  type PlacedNetwork,
  refuseOther,
} from "./record.js";
import { type LandscapeResult, landscapeResult } from "./result.js";

/** What a landscape is computed of; what is left out is the folder's, where one goes on, else as said. */
export interface LandscapeOptions {
  /** Folder of the landscape. */
  readonly out: string;
  readonly resume?: boolean;
  /** As openDataset takes it; default: the training images of the runs. */
  readonly data?: string;
  /** Training images, chosen by seed 0; default 500. */
  readonly images?: number;
  /** Of the grid, along each direction: odd. Default 21. */
  readonly points?: number;
  /** How far the grid reaches, in lengths of the weights; default 1. */
  readonly radius?: number;
  /** Of the directions; default 0. */
  readonly seed?: number;
  readonly threads?: number;
  readonly onProgress?: (done: number, of: number, network: string) => void;
  readonly onNote?: (note: string) => void;
  readonly signal?: SignalLike;
}

const DEFAULTS: GridSettings = { points: 21, radius: 1, seed: 0 };
const IMAGES = 500;

/**
 * The loss around trained networks, f(a, b) = L(w + a d1 + b d2), on a grid of two filter-normalised directions (see
 * filterNormalised) and a fixed choice of training images; batch normalisation keeps its running statistics. May
 * be stopped at any time: `resume` goes on from the last point.
 *
 * UsageError for what cannot work, before the first point; OnebitError for files that cannot be used.
 *
 * Source: arXiv 1712.09913; what the figures 2 of BNext (arXiv 2211.12933) are made with.
 */
export async function landscape(
  paths: readonly string[],
  options: LandscapeOptions,
): Promise<LandscapeResult> {
  const { out, resume = false, onNote } = options;
  const folder = new LandscapeFolder(out);
  const before = await folder.checkPlace(resume);
  const all = paths.length ? paths : (before?.networks ?? []).map(({ path }) => path);
  const models = await openModels(all, onNote);
  const { dataset, ofRun } = await imagesOf(models, options, before);
  const record = await recordOf(models, dataset, ofRun, options, before);
  if (before) refuseOther(out, before, record);
  await folder.create();
  const unlock = await takeLock(folder.file("lock"));
  try {
    // Another process may have been faster.
    await folder.checkPlace(resume);
    if (!before) await folder.begin(record);
    return await compute(folder, before ?? record, models, dataset, options);
  } finally {
    await unlock();
  }
}

interface NamedModel {
  readonly name: string;
  readonly path: string;
  readonly model: FloatModel;
}

async function openModels(
  paths: readonly string[],
  onNote: LandscapeOptions["onNote"],
): Promise<NamedModel[]> {
  if (!paths.length) throw new UsageError("name the runs or float models of the landscape");
  const models: NamedModel[] = [];
  for (const path of paths) {
    refuseKind(path, await modelKind(path, "network"));
    const model = await openFloatModel(path);
    for (const note of await unfinishedNotes(path, model)) onNote?.(note);
    const name = basename(resolve(path)).replace(/\.safetensors$/, "");
    const same = models.find((other) => other.name === name);
    if (same && resolve(same.path) === resolve(path)) {
      throw new UsageError(`${path}: is named twice`);
    }
    models.push({ name: same ? path : name, path, model });
  }
  return models;
}

function refuseKind(path: string, kind: ModelKind): void {
  if (kind === "float") return;
  const why = {
    packed: "holds signs only, not the latent weights that directions move",
    onnx: "does not say which of its tensors are weights",
  };
  throw new UsageError(`${path}: ${why[kind]}: name the run or the float model (.safetensors)`);
}

/** The same for all networks. */
async function imagesOf(
  models: readonly NamedModel[],
  { data, images, out }: LandscapeOptions,
  before: LandscapeRecord | undefined,
): Promise<{ dataset: Dataset; ofRun: boolean }> {
  const spec = data ?? (before?.data.ofRun === false ? before.data.spec : undefined);
  const whole = spec === undefined ? await dataOfRuns(models) : await openDataset(spec);
  refuseAmongPictures(whole, out);
  const { length } = whole.train;
  const count = images ?? before?.data.images ?? Math.min(IMAGES, length);
  if (count > length) {
    throw new UsageError(`${whole.spec}: cannot use ${count} training images: there are ${length}`);
  }
  const train = sample(whole.train, count, 0, "train");
  return { dataset: { ...whole, train }, ofRun: spec === undefined };
}

/** The training images of the runs among the networks, which must all have learned from the same. */
async function dataOfRuns(models: readonly NamedModel[]): Promise<Dataset> {
  const found: { path: string; key: string }[] = [];
  for (const { path } of models) {
    const folder = new RunFolder(path);
    if (!(await folder.exists())) continue;
    const { spec, fingerprint, validation, skipped } = (await folder.read()).data;
    found.push({ path, key: JSON.stringify([fingerprint ?? spec, validation, skipped]) });
  }
  const [first] = found;
  if (!first) {
    throw new UsageError("none of the networks is a run, so say which images: --data SPEC");
  }
  const other = found.find(({ key }) => key !== first.key);
  if (other) {
    throw new UsageError(
      `${first.path} and ${other.path} learned from different images: say on which to take the loss: --data SPEC`,
    );
  }
  return (await recordedData(first.path))!;
}

async function recordOf(
  models: readonly NamedModel[],
  dataset: Dataset,
  ofRun: boolean,
  options: LandscapeOptions,
  before: LandscapeRecord | undefined,
): Promise<LandscapeRecord> {
  const { points, radius, seed } = { ...DEFAULTS, ...before?.grid, ...given(options) };
  if (points < 3 || points % 2 === 0) {
    throw new UsageError(
      `a grid of ${points} points: an odd number from 3 is wanted, so that the trained network is one of them`,
    );
  }
  if (!(radius > 0)) throw new UsageError(`radius ${radius}: must be above 0`);
  const { spec, name, train } = dataset;
  const print = (await fingerprint({ ...dataset, test: train })) ?? null;
  return {
    format: 1,
    grid: { points, radius, seed },
    data: { spec, name, ofRun, images: train.length, fingerprint: print },
    networks: models.map(placed),
    versions: versions(onnxRuntimeVersion(await loadOnnxRuntime("a landscape"))),
    revision: await sourceRevision(),
    started: new Date().toISOString(),
  };
}

function given({ points, radius, seed }: LandscapeOptions): Partial<GridSettings> {
  const entries = Object.entries({ points, radius, seed });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function placed({ name, path, model }: NamedModel): PlacedNetwork {
  const hash = createHash("sha256");
  for (const [key, { shape, data }] of Object.entries(model.tensors)) {
    hash.update(`${key}\0${shape}\n`).update(Float32Array.from(data));
  }
  return { name, path, sha256: hash.digest("hex") };
}

/** Every point that is missing, network after network. */
async function compute(
  folder: LandscapeFolder,
  record: LandscapeRecord,
  models: readonly NamedModel[],
  dataset: Dataset,
  { threads = 1, onProgress, onNote, signal }: LandscapeOptions,
): Promise<LandscapeResult> {
  const past = await folder.past();
  const { points, seed } = record.grid;
  const of = models.length * points ** 2;
  for (const { name, path, model } of models) {
    const missing = pointsOf(points).filter(
      ([row, column]) =>
        !past.some((p) => p.network === name && p.row === row && p.column === column),
    );
    if (!missing.length) continue;
    const graph = floatModelGraph(model);
    const axis = (which: string) => filterNormalised(graph, model.tensors, seed, which);
    const directions = [axis("a"), axis("b")] as const;
    const losses = await openLosses(path, model, dataset, threads);
    for (const note of losses.notes) onNote?.(`${name}: ${note}`);
    try {
      for (const [row, column] of missing) {
        signal?.throwIfAborted();
        const at = [coordinate(record.grid, column), coordinate(record.grid, row)] as const;
        const found = await losses.at(movedBy(model.tensors, directions, at));
        const point: PlacedLoss = { network: name, row, column, engine: losses.engine, ...found };
        await folder.add(point);
        past.push(point);
        onProgress?.(past.length, of, name);
      }
    } finally {
      await losses.dispose();
    }
    await write(folder, record, past);
  }
  return write(folder, record, past);
}

/** Row and column of all points, from the middle row outwards: the slice through the network comes first. */
function pointsOf(points: number): [row: number, column: number][] {
  const middle = (points - 1) / 2;
  const rows = Array.from({ length: points }, (_, row) => row);
  rows.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b);
  return rows.flatMap((row) =>
    rows.toSorted((a, b) => a - b).map((column) => [row, column] as [number, number]),
  );
}

async function write(
  folder: LandscapeFolder,
  record: LandscapeRecord,
  past: readonly PlacedLoss[],
): Promise<LandscapeResult> {
  const result = landscapeResult(record, past);
  await writeWhole(folder.file("contours.svg"), contoursSvg(result));
  await writeWhole(folder.file("slice.svg"), sliceSvg(result));
  await writeWhole(folder.file("landscape.html"), await landscapePage(result));
  return result;
}
