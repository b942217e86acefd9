import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { packages, read, root } from "./imports.js";

/** What users import: a package's name, or one of its subpaths, and the source that it is. */
export interface EntryPoint {
  readonly name: string;
  readonly file: string;
}

/** A name that an entry point exports, where it is declared, and its docstring. */
export interface Exported {
  readonly name: string;
  readonly file: string;
  readonly doc: string | undefined;
}

export function entryPoints(): readonly EntryPoint[] {
  return packages().flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports ?? {}).map(([path, conditions]) => {
      const source = (conditions as { "onebit-source": string })["onebit-source"];
      return {
        name: join(manifest.name, path),
        file: join("packages", folder, source),
      };
    }),
  );
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

interface Module {
  readonly text: string;
  readonly body: readonly Node[];
}

const modules = new Map<string, Module>();

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known) return known;
  const text = read(file);
  const { body } = parseAst(text, { lang: "ts" }) as unknown as { body: readonly Node[] };
  const made = { text, body };
  modules.set(file, made);
  return made;
}

/** All names that a file exports, by way of others too. */
export function exportsOf(file: string): readonly Exported[] {
  return moduleOf(file).body.flatMap((node) => {
    const source = (node.source as { value: string } | null | undefined)?.value;
    // Of another package: documented there.
    if (source !== undefined && !source.startsWith(".")) return [];
    const from = source === undefined ? file : sourceFile(file, source);
    switch (node.type) {
      case "ExportAllDeclaration":
        return exportsOf(from);
      case "ExportNamedDeclaration": {
        const specifiers = node.specifiers as readonly Node[];
        const renamed = specifiers.map((one) => {
          const { local, exported } = one as unknown as { [side: string]: { name: string } };
          const origin =
            source === undefined ? imported(file, local.name) : { file: from, name: local.name };
          return { ...declared(origin.file, origin.name), name: exported.name };
        });
        const names = node.declaration ? namesOf(node.declaration as Node) : [];
        return [...renamed, ...names.map((name) => declared(file, name))];
      }
      default:
        return [];
    }
  });
}

function sourceFile(file: string, source: string): string {
  const path = join(dirname(file), source.replace(/\.js$/, ".ts"));
  if (existsSync(join(root, path))) return path;
  throw new Error(`${file}: exports from ${source}, which is none of its package's sources`);
}

/** Where a name that a file imports comes from; the file itself where it does not. */
function imported(file: string, name: string): { file: string; name: string } {
  for (const node of moduleOf(file).body) {
    if (node.type !== "ImportDeclaration") continue;
    for (const one of node.specifiers as readonly Node[]) {
      const { local, imported: there } = one as unknown as { [side: string]: { name: string } };
      if (local.name !== name || !there) continue;
      return { file: sourceFile(file, (node.source as { value: string }).value), name: there.name };
    }
  }
  return { file, name };
}

function declared(file: string, name: string): Exported {
  const { text, body } = moduleOf(file);
  for (const node of body) {
    const isExport = node.type === "ExportNamedDeclaration";
    const source = isExport ? (node.source as { value: string } | null) : null;
    if (isExport && source) {
      const specifiers = node.specifiers as unknown as readonly {
        [side: string]: { name: string };
      }[];
      const one = specifiers.find(({ exported }) => exported.name === name);
      if (one) return declared(sourceFile(file, source.value), one.local.name);
    }
    if (node.type === "ExportAllDeclaration") {
      const found = exportsOf(
        sourceFile(file, (node.source as unknown as { value: string }).value),
      );
      const one = found.find((entry) => entry.name === name);
      if (one) return one;
    }
    const declaration = (isExport ? node.declaration : node) as Node | null;
    if (!declaration || !namesOf(declaration).includes(name)) continue;
    return { name, file, doc: docBefore(text, node.start) };
  }
  throw new Error(`${file}: exports ${name}, which it does not declare`);
}

function namesOf(declaration: Node): string[] {
  if (declaration.type === "VariableDeclaration") {
    const declarators = declaration.declarations as readonly { id: { name: string } }[];
    return declarators.map(({ id }) => id.name);
  }
  const id = declaration.id as { name: string } | null | undefined;
  return id ? [id.name] : [];
}

/** The docstring that ends right before a place, but for lines that tell a linter something. */
function docBefore(text: string, start: number): string | undefined {
  const before = text.slice(0, start).replace(/(\s*\/\/ biome-ignore.*\n)*\s*$/, "");
  return /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/$/.exec(before)?.[1];
}
