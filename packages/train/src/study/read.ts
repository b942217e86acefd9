import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { studies } from "./catalogue.js";
import { checkStudy } from "./check.js";
import { placed } from "./fields.js";
import type { Study } from "./study.js";

const ENDINGS = [".json", ".mjs", ".js", ".ts", ".mts"];

/**
 * A study by name, or from a file: JSON, or a module whose default export it is. TypeScript needs a Node that
 * takes types off (22.18, 23.6 and later). UsageError for what is none.
 */
export async function readStudy(nameOrFile: string): Promise<Study> {
  const ending = extname(nameOrFile);
  if (!ENDINGS.includes(ending)) return studyNamed(nameOrFile);
  try {
    return checkStudy(await contents(nameOrFile, ending));
  } catch (error) {
    throw placed(nameOrFile, error);
  }
}

function studyNamed(name: string): Study {
  if (Object.hasOwn(studies, name)) return studies[name];
  const hint = `, or a file (${ENDINGS.join(", ")})`;
  throw new UsageError(`${unknownName("study", name, Object.keys(studies))}${hint}`);
}

async function contents(path: string, ending: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(error.code === "ENOENT" ? "there is no such file" : error.message);
  });
  if (ending === ".json") return parsed(text);
  if (ending.endsWith("ts") && !canStripTypes()) {
    throw new UsageError(
      `Node ${process.versions.node} cannot load TypeScript: write it as .mjs or .json, or take Node 22.18 or later`,
    );
  }
  const module = (await import(pathToFileURL(resolve(path)).href).catch((error: Error) => {
    throw new UsageError(`cannot be loaded: ${error.message}`);
  })) as { default?: unknown };
  if (module.default !== undefined) return module.default;
  throw new UsageError("has no default export: export default { name: ... }");
}

/** @types/node of Node 20 does not know it. */
const canStripTypes = () => Boolean((process.features as { typescript?: unknown }).typescript);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`is not JSON: ${(error as Error).message}`);
  }
}
