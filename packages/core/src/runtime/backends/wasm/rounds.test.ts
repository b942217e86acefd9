import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { type Job, Rounds } from "./rounds.js";

/** Chunks of each job and share. */
const CHUNKS = [
  [3, 0, 5],
  [1, 1, 1],
  [0, 7, 2],
];
const THREADS = 3;

/** Counts how often each chunk was run, in words that threads share. */
class Counter {
  readonly words = new Int32Array(new SharedArrayBuffer(4 * 64));

  jobs(): Job[] {
    return CHUNKS.map((shares, job) => ({
      chunks: (share) => shares[share],
      run: (share, chunk) => {
        Atomics.add(this.words, wordOf(job, share, chunk), 1);
      },
    }));
  }

  /** That every chunk of a job has been run as often, and no other. */
  expect(job: number, times: number): void {
    CHUNKS[job].forEach((count, share) => {
      for (let chunk = 0; chunk < 7; chunk++) {
        const expected = chunk < count ? times : 0;
        expect(this.words[wordOf(job, share, chunk)]).toBe(expected);
      }
    });
  }
}

const wordOf = (job: number, share: number, chunk: number) => (job * THREADS + share) * 7 + chunk;

/** As team-worker.js serves, on the built module: workers run no TypeScript. */
const SERVE = `
  const { workerData: { module, chunks, words, control, thread, threads, delay } } = require("node:worker_threads");
  const { parentPort } = require("node:worker_threads");
  import(module).then(({ Rounds }) => {
    const wordOf = (job, share, chunk) => (job * threads + share) * 7 + chunk;
    const jobs = chunks.map((shares, job) => ({
      chunks: (share) => shares[share],
      run: (share, chunk) => {
        if (delay > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delay);
        Atomics.add(words, wordOf(job, share, chunk), 1);
      },
    }));
    const rounds = new Rounds(jobs, { threads, thread }, control);
    parentPort.postMessage("ready");
    rounds.serve();
  });`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

async function startWorker(rounds: Rounds, { words }: Counter, thread: number, delay: number) {
  const module = new URL("../../../../dist/runtime/backends/wasm/rounds.js", import.meta.url).href;
  const { control } = rounds;
  const shared = { module, chunks: CHUNKS, words, control, threads: THREADS };
  const worker = new Worker(SERVE, { eval: true, workerData: { ...shared, thread, delay } });
  workers.push(worker);
  await once(worker, "message");
}

const asleep = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("rounds", () => {
  it("are done by the first thread alone where no other comes", () => {
    const counter = new Counter();
    const rounds = new Rounds(counter.jobs(), { threads: THREADS });
    [0, 2, 2, 1].forEach((job) => {
      rounds.run(job);
    });
    counter.expect(0, 1);
    counter.expect(1, 1);
    counter.expect(2, 2);
  });

  it("run every chunk once, whoever takes it", async () => {
    const counter = new Counter();
    const rounds = new Rounds(counter.jobs(), { threads: THREADS });
    await startWorker(rounds, counter, 1, 0);
    await startWorker(rounds, counter, 2, 0);
    const times = [0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      const job = (i * 7 + (i >> 3)) % 3;
      rounds.run(job);
      times[job]++;
      counter.expect(job, times[job]);
      if (i % 500 === 0) await asleep();
    }
  });

  it("end when a slow thread has done what it took, and no more is left to it", async () => {
    const counter = new Counter();
    const rounds = new Rounds(counter.jobs(), { threads: THREADS });
    await startWorker(rounds, counter, 1, 20);
    for (let i = 1; i <= 20; i++) {
      rounds.run(2);
      counter.expect(2, i);
    }
  });

  it("go on when their numbers begin again", async () => {
    const counter = new Counter();
    const rounds = new Rounds(counter.jobs(), { threads: THREADS });
    await startWorker(rounds, counter, 1, 0);
    new Int32Array(rounds.control)[0] = 2 ** 21 - 5;
    for (let i = 1; i <= 5; i++) {
      [2, 0, 1].forEach((job) => {
        rounds.run(job);
        counter.expect(job, i);
      });
    }
  });
});
