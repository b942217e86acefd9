import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** What a run was made with. onnxRuntime: the version of ONNX Runtime. */
export function versions(onnxRuntime: string): { [name: string]: string } {
  const { version } = require("../../package.json") as { version: string };
  return {
    onebit: version,
    "onnxruntime-node": onnxRuntime,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}
