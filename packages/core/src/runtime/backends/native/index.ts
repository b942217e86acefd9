import { isNode } from "../../../platform/is-node.js";
import type { Backend } from "../../backend.js";

/** An optional package: core does not depend on it, so bundlers must not look for it either. */
const PACKAGE = "@onebit/native";

/** What the package @onebit/native exports, or why it cannot be had. */
export async function importNative<M>(): Promise<
  { readonly module: M } | { readonly reason: string }
> {
  try {
    const module: M = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ PACKAGE
    );
    return { module };
  } catch (error) {
    return { reason: reasonFor(error as Error & { code?: string }) };
  }
}

/** The backend of that package, or one that says why it cannot be had. */
export async function loadNative(): Promise<Backend> {
  const found = await importNative<{ default: Backend }>();
  return "module" in found ? found.module.default : missing(found.reason);
}

function reasonFor({ code, message }: Error & { code?: string }): string {
  if (!isNode()) return "runs in Node only";
  const absent = code === "ERR_MODULE_NOT_FOUND" && message.includes(PACKAGE);
  return absent ? `not installed: install ${PACKAGE} as onebit was` : message;
}

function missing(reason: string): Backend {
  return {
    name: "native",
    ...{ threads: "many", exact: "bits", fast: true },
    unavailable: async () => reason,
    compile: async () => {
      throw new Error(`native: ${reason}`);
    },
  };
}
