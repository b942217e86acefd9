/**
 * Tries generated inputs on onebit and keeps those that do what no input may do:
 *
 *   npm run fuzz -- FUZZER [--count 10000] [--seed 1] [--resume DIR] [--processes 1] [--batch 2000]
 *   npm run fuzz -- FUZZER --seed 1 --only 4711       one input in this process, for a debugger
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.js";
import { FUZZERS, fuzzerNamed } from "./fuzzers.js";
import { report } from "./report.js";

const USAGE = `npm run fuzz -- ${FUZZERS.join("|")} [--count N] [--seed N] [--from N] [--resume DIR]
               [--processes N] [--batch N] [--only INDEX]`;

try {
  process.exitCode = await run();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

async function run(): Promise<number> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ count: text, seed: text, from: text, resume: text, processes: text, batch: text },
      only: text,
    },
  });
  const [name] = positionals;
  if (positionals.length !== 1) throw new Error(`which fuzzer?\n${USAGE}`);
  const seed = whole("seed", values.seed, 1);
  if (values.only !== undefined) return tryOne(name, seed, whole("only", values.only, 0));
  await fuzzerNamed(name);
  const folder = values.resume ?? mkdtempSync(join(tmpdir(), `onebit-fuzz-${name}-`));
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () =>
      interrupt.abort(new Error(`stopped; go on with --resume ${folder}`)),
    );
  let told = Date.now();
  const state = await runCampaign({
    ...{ fuzzer: name, seed, folder, signal: interrupt.signal },
    from: whole("from", values.from, 0),
    count: whole("count", values.count, 10_000),
    batch: Math.max(1, whole("batch", values.batch, 2000)),
    processes: Math.max(1, whole("processes", values.processes, 1)),
    progress(now) {
      if (Date.now() - told < 10_000) return;
      told = Date.now();
      console.error(`${now.next - now.from} tried, ${now.failures.length} failures`);
    },
  });
  console.log(report(state, folder));
  return state.failures.length > 0 ? 1 : 0;
}

/** Prints what the input is and what becomes of it. */
async function tryOne(name: string, seed: number, index: number): Promise<number> {
  const fuzzer = await fuzzerNamed(name);
  const input = await fuzzer.input(seed, index);
  console.log(input.story);
  const { result, message = "" } = await input.judge();
  console.log(result, message);
  return 0;
}

function whole(flag: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${flag} ${text}: must be a whole number\n${USAGE}`);
}
