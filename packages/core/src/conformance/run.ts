import type { SignalLike } from "../platform/web-types.js";
import type { Backend } from "../runtime/backend.js";
import { reference } from "../runtime/backends/reference/index.js";
import { checkConvolutions, type Expectation, expectedOfBatch } from "./check-convolutions.js";
import { checkNetwork, expectedOfNetwork } from "./check-networks.js";
import { type AccumulatorRange, Distribution, rangeOf, type Share } from "./distribution.js";
import { casesUntilCaught, FAULTS } from "./faults.js";
import { type KernelCount, KernelTally } from "./kernel-tally.js";

/** A backend at a thread count. */
export interface Subject {
  readonly backend: Backend;
  readonly threads: number;
}

/** What the conformance suite tries, and how much of it. */
export interface ConformanceOptions {
  readonly subjects: readonly Subject[];
  /** At least so many for every subject of one thread, in batches; one batch in eight for others. */
  readonly convolutions: number;
  /** Random whole networks, dealt out likewise. */
  readonly networks: number;
  /** Times that each kind of mistake is put into the first backend, to see that it is found. */
  readonly faults: number;
  readonly seed?: number;
  readonly progress?: (doing: string, fraction: number) => void;
  readonly signal?: SignalLike;
}

/** How a backend with a number of threads came out. */
export interface SubjectReport {
  readonly backend: string;
  readonly threads: number;
  /** Fewer where the platform does not give so many. */
  readonly threadsAtWork: number;
  readonly convolutions: number;
  /** None on the reference, which is what they are compared with. */
  readonly networks: number;
  /** Convolutions and networks that came out wrong, or not at all. */
  readonly wrong: number;
  /** What computed the convolutions, where the backend says so. */
  readonly kernels: { readonly [kernel: string]: Readonly<KernelCount> };
  readonly milliseconds: number;
}

/** Whether mistakes of one kind, put in on purpose, were found. */
export interface FaultReport {
  readonly fault: string;
  readonly seeded: number;
  readonly caught: number;
  /** Convolutions tried until the mistake that took longest was found. */
  readonly slowest: number;
}

/** What the conformance suite found. */
export interface ConformanceReport {
  /** Nothing differed, and every mistake made on purpose was found. */
  readonly ok: boolean;
  readonly seed: number;
  /** Integers that each subject's convolutions were compared with. */
  readonly integers: number;
  /** What kinds of convolutions were tried, as fractions of all. */
  readonly distribution: readonly (Share & { readonly share: number })[];
  readonly subjects: readonly SubjectReport[];
  readonly faults: readonly FaultReport[];
  /** What differed, the first ones of each subject. */
  readonly failures: readonly string[];
}

/** Starting threads takes longer than what they then do: so many batches to one for those subjects. */
const THREADED_SHARE = 8;
/** Three batches in sixteen, and half of what threads get, are of the size that layers have. */
const isWide = (i: number) => i % 4 === 0 && i % 16 !== 0;
/** Differences of one subject that are told; more are only counted. */
const MOST_FAILURES = 5;

/**
 * Compares backends with the definition on random binary convolutions (integers, bit for bit) and
 * with the reference backend on random networks (the bits that the backend's facts promise), and then tries itself on backends
 * that make mistakes on purpose. The signal's reason where it is aborted.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const { seed = 1 } = options;
  const trials = options.subjects.map((subject) => new Trial(subject));
  const { distribution, integers } = await tryConvolutions(options, seed, trials);
  await tryNetworks(options, seed, trials);
  const faults = await tryFaults(options, seed);
  const failures = trials.flatMap((trial) => trial.failures);
  for (const { fault, seeded, caught } of faults) {
    if (caught < seeded)
      failures.push(`${fault}: the suite missed ${seeded - caught} of ${seeded}`);
  }
  return {
    ok: failures.length === 0,
    seed,
    integers,
    distribution: distribution.shares(),
    subjects: trials.map((trial) => trial.report()),
    faults,
    failures,
  };
}

/** One subject and what became of it. */
class Trial {
  readonly #subject: Subject;
  readonly #tally = new KernelTally();
  readonly failures: string[] = [];
  #threadsAtWork = 1;
  #convolutions = 0;
  #networks = 0;
  #wrong = 0;
  #milliseconds = 0;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** Networks are compared with what the reference backend makes of them. */
  get isReference(): boolean {
    return this.#subject.backend === reference;
  }

  /** Whether it gets the i-th batch or network. */
  takes(i: number): boolean {
    return this.#subject.threads === 1 || i % THREADED_SHARE === 0;
  }

  async tryBatch(expectation: Expectation, ranges: readonly AccumulatorRange[]): Promise<void> {
    const { convolutions } = expectation.batch;
    this.#convolutions += convolutions.length;
    await this.#try(async ({ backend, threads }) => {
      const check = await checkConvolutions(backend, threads, expectation);
      const { differences, kernels, threadsAtWork } = check;
      this.#threadsAtWork = Math.max(this.#threadsAtWork, threadsAtWork);
      kernels?.forEach((kernel, i) => {
        this.#tally.add(kernel, convolutions[i], ranges[i]);
      });
      return differences.map(({ message }) => message);
    });
  }

  async tryNetwork(expectation: Awaited<ReturnType<typeof expectedOfNetwork>>): Promise<void> {
    this.#networks++;
    await this.#try(async ({ backend, threads }) => {
      const difference = await checkNetwork(backend, threads, expectation);
      return difference === undefined ? [] : [difference];
    });
  }

  report(): SubjectReport {
    const { backend, threads } = this.#subject;
    return {
      backend: backend.name,
      threads,
      threadsAtWork: this.#threadsAtWork,
      convolutions: this.#convolutions,
      networks: this.#networks,
      wrong: this.#wrong,
      kernels: this.#tally.kernels,
      milliseconds: this.#milliseconds,
    };
  }

  /** What the check finds, or throws, is a failure. */
  async #try(check: (subject: Subject) => Promise<string[]>): Promise<void> {
    const start = performance.now();
    const found = await check(this.#subject).catch((error: Error) => [error.message]);
    this.#milliseconds += performance.now() - start;
    this.#wrong += found.length;
    const { backend, threads } = this.#subject;
    for (const message of found.slice(0, MOST_FAILURES - this.failures.length)) {
      this.failures.push(`${backend.name}, threads ${threads}: ${message}`);
    }
  }
}

async function tryConvolutions(
  options: ConformanceOptions,
  seed: number,
  trials: readonly Trial[],
): Promise<{ distribution: Distribution; integers: number }> {
  const begin = beginning(options);
  const distribution = new Distribution();
  let integers = 0;
  for (let i = 0; distribution.convolutions < options.convolutions; i++) {
    await begin("convolutions", distribution.convolutions / options.convolutions);
    const expectation = expectedOfBatch(seedOf(seed, i), isWide(i));
    const ranges = expectation.outputs.map(rangeOf);
    expectation.batch.convolutions.forEach((conv, k) => {
      distribution.add(conv, ranges[k]);
    });
    for (const { length } of expectation.outputs.flat()) integers += length;
    for (const trial of trials.filter((trial) => trial.takes(i))) {
      await trial.tryBatch(expectation, ranges);
    }
  }
  return { distribution, integers };
}

async function tryNetworks(
  options: ConformanceOptions,
  seed: number,
  trials: readonly Trial[],
): Promise<void> {
  const begin = beginning(options);
  for (let i = 0; i < options.networks; i++) {
    await begin("networks", i / options.networks);
    const expectation = await expectedOfNetwork(seedOf(seed, i), isWide(i));
    for (const trial of trials.filter((trial) => trial.takes(i) && !trial.isReference)) {
      await trial.tryNetwork(expectation);
    }
  }
}

async function tryFaults(options: ConformanceOptions, seed: number): Promise<FaultReport[]> {
  const [subject] = options.subjects;
  if (!subject || !options.faults) return [];
  const begin = beginning(options);
  const reports: FaultReport[] = [];
  for (const fault of FAULTS) {
    const needed: number[] = [];
    for (let i = 0; i < options.faults; i++) {
      await begin("mistakes", (reports.length + i / options.faults) / FAULTS.length);
      const cases = await casesUntilCaught(subject.backend, fault, seedOf(seed, i));
      if (cases !== undefined) needed.push(cases);
    }
    const slowest = Math.max(0, ...needed);
    reports.push({ fault, seeded: options.faults, caught: needed.length, slowest });
  }
  return reports;
}

/** Runs of neighbouring seeds share nothing. */
const seedOf = (seed: number, i: number) => seed * 1_000_003 + i;

type Begin = (doing: string, fraction: number) => Promise<void>;

/** Before each piece of work: now and then lets timers, signals and the page have their turn. */
function beginning({ signal, progress }: ConformanceOptions): Begin {
  let last = 0;
  return async (doing, fraction) => {
    if (performance.now() - last > 50) {
      await new Promise((resolve) => setTimeout(resolve));
      last = performance.now();
    }
    signal?.throwIfAborted();
    progress?.(doing, fraction);
  };
}
