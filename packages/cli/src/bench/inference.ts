import { calling } from "@onebit/train/subjects";
import { type BackendName, type Budget, type MapType, OnebitError } from "onebit";
import { summarize } from "onebit/cost";
import { rebatch } from "onebit/graph";
import { scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { counted, onebitCommand } from "onebit/words";
import type { EnergyCounter } from "../energy/rapl.js";
import type { BothForms } from "../subjects/both-forms.js";
import { bareConvolution, bareShape, convMacs } from "./bare-convolution.js";
import type { ColdLoad } from "./cold-load.js";
import { handicapReason, isHandicapped } from "./handicap.js";
import { measureJoules } from "./joules.js";
import {
  type Competitor,
  type LatencyOptions,
  type MeasuredLatency,
  measureLatency,
  memoryMeter,
} from "./latency.js";
import { medianLoad } from "./load-time.js";
import { type OnebitEntry, onebitEntry } from "./onebit-engine.js";
import type { OnnxModel, PeerEngine, Peers, StartEngine } from "./peers/index.js";
import { macsOf, opShares } from "./peers/onnx-profile.js";

/** One row of `onebit bench --json`. */
export interface BenchResult extends MeasuredLatency {
  readonly subject: string;
  readonly backend: string;
  readonly batch: number;
  /** From the bytes of the model until it can run: the median of five loads in this process. */
  readonly loadMs: number;
  /** Of onebit, where asked for: importing it and loading the file, in a process of its own. */
  readonly coldLoadMs?: number;
  /** Resident memory that loading and the first run added; other work of the process blurs it. */
  readonly peakBytes: number;
  /** Of onebit: what its backend plans for the values of one image, weights apart. */
  readonly arenaBytes?: number;
  /** Of an image, by the processor's counters, where asked for: idle power and other programs count too. */
  readonly joulesPerImage?: number;
  /** Of onebit: how maps are kept between steps. */
  readonly maps?: MapType;
  /** The network's multiply-accumulates, of whatever width, per median time: 10^9 per second. */
  readonly convGmacs: number;
  /**
   * This median over that of each of onebit's backends with as many threads, by backend and, where it
   * is not float32, the type of maps ("wasm bfloat16").
   */
  readonly ratios: { readonly [backend: string]: number };
  /** Of peers: the rate that a convolution alone reached on that engine, in the same turns. */
  readonly bareConvGmacs?: number;
  /** Of peers below 60 % of that: why. */
  readonly handicap?: string;
}

/** A peer that does not run a model: a row without times. */
export interface FailedPeer {
  readonly subject: string;
  readonly engine: string;
  readonly backend: string;
  readonly threads: number;
  readonly batch: number;
  readonly reason: string;
}

/** What was measured, and what could not be. */
export interface InferenceBench {
  readonly results: readonly BenchResult[];
  readonly failed: readonly FailedPeer[];
}

export interface InferenceBenchOptions {
  /** By preference: results come in this order. */
  readonly backends: readonly (BackendName | "auto")[];
  readonly threads: readonly number[];
  readonly batch: number;
  readonly peers: Peers;
  /** Of onebit: each of them. Default: as the file says. */
  readonly maps?: readonly MapType[];
  readonly budget?: Budget;
  readonly coldLoad?: ColdLoad;
  readonly limits?: LatencyOptions;
  /** Measure joules too. */
  readonly energy?: EnergyCounter;
  /** Told what is about to be done. */
  readonly note?: (text: string) => void;
}

/** Latency on onebit and on its peers, in turns, one group for each number of threads; onebit first. */
export async function benchInference(
  subject: BothForms,
  options: InferenceBenchOptions,
): Promise<InferenceBench> {
  checkClassifies(subject);
  const models = await peerModels(subject, options);
  const groups: InferenceBench[] = [];
  for (const threads of options.threads) {
    options.note?.(`measuring ${subject.name}, ${counted(threads, "thread")}`);
    groups.push(await benchGroup(subject, models, threads, options));
  }
  const results = groups.flatMap((group) => group.results);
  const failed = groups.flatMap((group) => group.failed);
  const isPeer = ({ bareConvGmacs }: BenchResult) => bareConvGmacs !== undefined;
  const ordered = [...results.filter((result) => !isPeer(result)), ...results.filter(isPeer)];
  return { results: ordered, failed };
}

function checkClassifies({ name, graph }: BothForms): void {
  if (graph.outputs.logits !== undefined) return;
  throw new OnebitError(
    `${name}: has no output "logits": bench compares classifiers; its time step by step: ${onebitCommand("explain", name)}`,
  );
}

interface PeerModel extends OnnxModel {
  /** What is printed after the engine. */
  readonly form: string;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
}

/** The subject's own float graph, then the models of others. */
async function peerModels(
  { name, graph, tensors }: BothForms,
  { batch, peers }: InferenceBenchOptions,
): Promise<PeerModel[]> {
  if (!peers.engines.length) return [];
  const { logits } = graph.outputs;
  const outputs = { ...(batch > 1 ? rebatch(graph, batch) : graph), outputs: { logits } };
  const bytes = toOnnx(outputs, { tensors, scalars: scalarInputs(graph, tensors) });
  const own = { name, bytes, form: ", float32", macs: batch * summarize(graph).macs };
  const others = peers.models.map(async (model) => {
    return { ...model, form: "", macs: await macsOf(model, batch) };
  });
  return [own, ...(await Promise.all(others))];
}

interface PeerEntry extends Competitor {
  readonly model: PeerModel;
  readonly backend: string;
  readonly loadMs: number;
  readonly peakBytes: number;
  /** The bare convolution on the same engine. */
  readonly bare: Competitor;
}

interface OwnEntry extends OnebitEntry {
  readonly coldLoadMs?: number;
}

async function benchGroup(
  subject: BothForms,
  models: readonly PeerModel[],
  threads: number,
  { backends, batch, peers, maps, budget, coldLoad, limits, energy }: InferenceBenchOptions,
): Promise<InferenceBench> {
  const own: OwnEntry[] = [];
  const engines: PeerEngine[] = [];
  const failed: FailedPeer[] = [];
  try {
    const types: readonly (MapType | undefined)[] = maps ?? [undefined];
    const ways = backends.flatMap((backend) => types.map((type) => ({ backend, type })));
    for (const { backend, type } of ways) {
      const how = { threads, batch, budget, maps: type };
      const entry = await calling(subject.name, () => onebitEntry(subject.packed, backend, how));
      const coldLoadMs = await coldLoad?.(subject.packed, entry.backend, { threads, maps: type });
      own.push({ ...entry, coldLoadMs });
    }
    const entries: PeerEntry[] = [];
    for (const start of peers.engines) {
      const opened = await openPeers(start, threads, models, batch);
      engines.push(opened.engine);
      entries.push(...opened.entries);
      failed.push(...opened.failed);
    }
    const bare = [...new Set(entries.map((entry) => entry.bare))];
    const all: Competitor[] = [...own, ...entries, ...bare];
    const measured = await measureLatency(all, limits);
    const latencyOf = (competitor: Competitor) => measured[all.indexOf(competitor)];
    const macs = batch * summarize(subject.graph).macs;
    const rows = [
      ...own.map((entry) => onebitRow(subject.name, macs, entry, latencyOf(entry))),
      ...entries.map((entry) => peerRow(entry, latencyOf(entry), latencyOf(entry.bare))),
    ];
    const joules = energy && (await measureJoules([...own, ...entries], energy));
    const results = rows.map((row, i) => ({
      ...{ ...row, batch, ratios: ratiosOf(row, own, latencyOf) },
      joulesPerImage: joules && joules[i] / batch,
    }));
    return { results: await withReasons(results, entries, batch), failed };
  } finally {
    for (const { model } of own) model.dispose();
    for (const engine of engines) await engine.dispose();
  }
}

interface OpenedPeers {
  readonly engine: PeerEngine;
  readonly entries: readonly PeerEntry[];
  readonly failed: readonly FailedPeer[];
}

/**
 * Every model that an engine can run, and the bare convolution that they share. One that it cannot (want of memory
 * above all) may have spoilt the engine: the others get a new one.
 */
async function openPeers(
  start: StartEngine,
  threads: number,
  models: readonly PeerModel[],
  batch: number,
): Promise<OpenedPeers> {
  const engine = await start(threads);
  const opened = await openAll(engine, models, batch).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  if (!("reason" in opened)) return { engine, entries: opened, failed: [] };
  await engine.dispose();
  const others = models.filter(({ name }) => name !== opened.subject);
  const again = await openPeers(start, threads, others, batch);
  return { ...again, failed: [opened, ...again.failed] };
}

/** All of them, or the first that cannot be opened. */
async function openAll(
  engine: PeerEngine,
  models: readonly PeerModel[],
  batch: number,
): Promise<PeerEntry[] | FailedPeer> {
  const named = { engine: engine.engine, threads: engine.threads };
  const bare = { ...named, run: (await engine.open(bareConvolution(bareShape), 1)).run };
  const entries: PeerEntry[] = [];
  for (const model of models) {
    const opened = await openPeer(engine, model, batch);
    if ("reason" in opened) return opened;
    entries.push({ ...opened, bare });
  }
  return entries;
}

async function openPeer(
  engine: PeerEngine,
  model: PeerModel,
  batch: number,
): Promise<Omit<PeerEntry, "bare"> | FailedPeer> {
  const { threads, backend } = engine;
  const named = { engine: `${engine.engine}${model.form}`, threads, backend };
  const grown = memoryMeter();
  try {
    const { loadMs: firstMs, reload, run } = await engine.open(model, batch);
    const peakBytes = grown();
    return { ...named, model, loadMs: await medianLoad(firstMs, reload), peakBytes, run };
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    return { ...named, subject: model.name, batch, reason: error.message };
  }
}

type Row = Omit<BenchResult, "batch" | "ratios">;

function onebitRow(subject: string, macs: number, entry: OwnEntry, latency: MeasuredLatency) {
  const { backend, loadMs, coldLoadMs, peakBytes, arenaBytes } = entry;
  const load = { loadMs, coldLoadMs, peakBytes, arenaBytes, maps: entry.model.info.maps };
  return { subject, backend, ...latency, ...load, convGmacs: gmacs(macs, latency) } satisfies Row;
}

function peerRow(entry: PeerEntry, latency: MeasuredLatency, bare: MeasuredLatency) {
  const { model, backend, loadMs, peakBytes } = entry;
  return {
    ...{ subject: model.name, backend, ...latency, loadMs, peakBytes },
    convGmacs: gmacs(model.macs, latency),
    bareConvGmacs: gmacs(convMacs(bareShape), bare),
  } satisfies Row;
}

function gmacs(macs: number, { medianMs }: MeasuredLatency): number {
  return macs / medianMs / 1e6;
}

function ratiosOf(
  { medianMs }: Row,
  own: readonly OnebitEntry[],
  latencyOf: (entry: OnebitEntry) => MeasuredLatency,
): BenchResult["ratios"] {
  return Object.fromEntries(
    own.map((entry) => [entry.label, medianMs / latencyOf(entry).medianMs]),
  );
}

/** Handicapped peers get their reason; each model is profiled once, and only where one needs it. */
async function withReasons(
  results: readonly BenchResult[],
  entries: readonly PeerEntry[],
  batch: number,
): Promise<BenchResult[]> {
  const profiles = new Map<PeerModel, ReturnType<typeof opShares>>();
  const sharesOf = (model: PeerModel) => {
    if (!profiles.has(model)) profiles.set(model, opShares(model, batch));
    return profiles.get(model)!;
  };
  const first = results.length - entries.length;
  const marked = results.map(async (result, i) => {
    const { bareConvGmacs, convGmacs } = result;
    if (bareConvGmacs === undefined || !isHandicapped(convGmacs, bareConvGmacs)) return result;
    const shares = await sharesOf(entries[i - first].model);
    return { ...result, handicap: handicapReason(convGmacs, bareConvGmacs, shares) };
  });
  return Promise.all(marked);
}
