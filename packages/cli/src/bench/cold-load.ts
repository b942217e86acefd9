import { fork } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BackendName, type MapType, OnebitError } from "onebit";
import { withTemporaryFolder } from "onebit/node";
import { builtModule } from "../built-module.js";
import { featureFlags } from "../machine.js";
import { median } from "./latency.js";

export interface ColdLoadOptions {
  readonly threads: number;
  readonly maps?: MapType;
  /** How many load it, one after the other. Default 5. */
  readonly processes?: number;
}

/** Milliseconds of loading a packed network in a process that has done nothing else. */
export type ColdLoad = (
  packed: Uint8Array,
  backend: BackendName,
  options: ColdLoadOptions,
) => Promise<number>;

/** Importing onebit and loading the file: the median of new processes. */
export const coldLoad: ColdLoad = (packed, backend, { processes = 5, ...how }) =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "model.onebit");
    await writeFile(path, packed);
    const times: number[] = [];
    for (let i = 0; i < processes; i++) times.push(await inNewProcess(path, backend, how));
    return median(times);
  });

function inNewProcess(
  path: string,
  backend: string,
  { threads, maps }: ColdLoadOptions,
): Promise<number> {
  const module = builtModule("cold-load-process.js", import.meta.url);
  const how = [backend, String(threads), ...(maps ? [maps] : [])];
  const child = fork(module, [path, ...how], { execArgv: featureFlags() });
  return new Promise((done, failed) => {
    const because = (reason: unknown) =>
      failed(new OnebitError(`${backend}: does not load in a new process: ${reason}`));
    child.on("message", (answer) => (typeof answer === "number" ? done(answer) : because(answer)));
    child.on("error", because);
    child.on("disconnect", () => because("it ended without an answer"));
  });
}
