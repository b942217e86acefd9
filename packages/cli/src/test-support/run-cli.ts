import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runCli } from "../cli.js";

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process. Not two at a time: both would print into the same text. */
export async function onebit(...args: string[]): Promise<CliResult> {
  const printed = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const write = stream.write;
    stream.write = ((text: string | Uint8Array) => {
      printed[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    }) as typeof stream.write;
    return () => {
      stream.write = write;
    };
  });
  try {
    return { status: await runCli(["node", "onebit", ...args]), ...printed };
  } finally {
    for (const undo of restore) undo();
  }
}

/** The one JSON document of a command that must succeed and print nothing else on stdout. */
export async function onebitJson<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await onebit(...args, "--json");
  if (status !== 0) throw new Error(`onebit ${args.join(" ")}: status ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Spawned {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult & { readonly signal: NodeJS.Signals | null }>;
}

/** Starts the built command line in a process of its own. */
export function spawnOnebit(args: readonly string[], env: NodeJS.ProcessEnv = {}): Spawned {
  if (!existsSync(main)) throw new Error(`${main} is not built: run "npm run build" first`);
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    printed.stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    printed.stderr += chunk;
  });
  const done = new Promise<Awaited<Spawned["done"]>>((resolve) => {
    child.on("close", (status, signal) => resolve({ status: status ?? -1, signal, ...printed }));
  });
  return { child, done };
}
