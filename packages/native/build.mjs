/**
 * Builds the addon for this machine from source: node packages/native/build.mjs
 * Needs a C++20 compiler; nothing else runs this script, installing never does.
 */
import { join } from "node:path";
import { addonName, buildAddon, findCompiler, root } from "./toolchain.mjs";

const { platform, arch } = process;
const output = join(root, "dist", addonName(platform, arch));

try {
  await buildAddon({ platform, arch, compiler: findCompiler(), output });
  console.log(`built ${output}`);
} catch (error) {
  console.error(`@onebit/native: not built: ${error.message}`);
  process.exitCode = 1;
}
