import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";
import type { OnnxRuntime } from "./runtime-types.js";

/** As peerDependencies have it: 1.23 does not give every output that it is asked for. */
const OLDEST = [1, 24] as const;

/**
 * ONNX Runtime for Node. An optional peer dependency, and large: only what needs it loads it, from here
 * and nowhere else. OnebitError where it is missing, too old or broken, with what to do.
 *
 * purpose: what needs it, as the subject of a sentence: "training", "net.onnx".
 */
export function loadOnnxRuntime(purpose: string): Promise<OnnxRuntime> {
  return checkedRuntime(purpose, () => import("onnxruntime-node"));
}

export async function checkedRuntime(
  purpose: string,
  load: () => Promise<OnnxRuntime>,
): Promise<OnnxRuntime> {
  const runtime = await load().catch((error) => {
    throw new OnebitError(`${purpose} needs ONNX Runtime, ${trouble(error)}`);
  });
  const version = onnxRuntimeVersion(runtime);
  if (!isOld(version)) return runtime;
  throw new OnebitError(
    `${purpose} needs ONNX Runtime ${OLDEST.join(".")} or later; installed is ${version}. Install a later one:\n${installLines()}`,
  );
}

/** "1.30.0". */
export function onnxRuntimeVersion({ env }: OnnxRuntime): string {
  return env?.versions?.node ?? "one that does not say its version";
}

function isOld(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return !(major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]));
}

/** Why importing it failed, and what helps. */
function trouble(error: NodeJS.ErrnoException): string {
  if (isMissing(error, "onnxruntime-node")) {
    return `which is not installed. Install it:\n${installLines()}`;
  }
  const target = `${process.platform}-${process.arch}`;
  if (isMissing(error, "onnxruntime_binding.node")) {
    return `and the installed onnxruntime-node holds no build for ${target}. Packed networks need none of it here; do this on another machine, or install a version that has one`;
  }
  const [reason] = error.message.split("\n");
  return `and the installed onnxruntime-node cannot be loaded on ${target}: ${reason}\n  It may be damaged, or made for another C library (glibc is wanted on Linux). Install it anew:\n${installLines()}`;
}

function isMissing({ code, message }: NodeJS.ErrnoException, what: string): boolean {
  const codes = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];
  return codes.includes(code ?? "") && message.split("\n")[0].includes(what);
}

/** On Linux its installer fetches the half for CUDA too, from another host than npm's. */
function installLines(): string {
  const command = installCommand(fileURLToPath(import.meta.url));
  if (process.platform !== "linux") return `  ${command}`;
  return `  ${command}\n  ONNXRUNTIME_NODE_INSTALL=skip ${command}    # where NuGet (its half for CUDA) cannot be reached`;
}

/** Into the project or the global installation that a module lies in. */
export function installCommand(module: string): string {
  if (module.includes(`${sep}_npx${sep}`)) return "npm install @onebit/cli onnxruntime-node";
  const at = module.indexOf(`${sep}node_modules${sep}`);
  const isGlobal = at >= 0 && !existsSync(join(module.slice(0, at), "package.json"));
  return `npm install ${isGlobal ? "--global " : ""}onnxruntime-node`;
}
