import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** What a run was made with. */
export function versions(): { [name: string]: string } {
  const { version } = require("../../package.json") as { version: string };
  const runtime = require("onnxruntime-node/package.json") as { version: string };
  return {
    onebit: version,
    "onnxruntime-node": runtime.version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}
