import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";

/** What a measurement was made on. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: [process.version, ...featureFlags()].join(" "),
  };
}

/** Options of Node that let WebAssembly do more. */
export function featureFlags(): string[] {
  return process.execArgv.filter((flag) => flag.startsWith("--experimental-wasm"));
}
