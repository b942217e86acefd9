import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";

export const root = fileURLToPath(new URL("../", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly dependencies?: { readonly [name: string]: string };
  readonly peerDependencies?: { readonly [name: string]: string };
  readonly peerDependenciesMeta?: { readonly [name: string]: { readonly optional?: boolean } };
  readonly exports?: { readonly [path: string]: unknown };
  readonly imports?: { readonly [path: string]: unknown };
}

export interface Import {
  /** From the root of the repository, with forward slashes. */
  readonly file: string;
  readonly target: string;
  /** type: nothing is left of it in JavaScript; later: `import()`, require or resolve. */
  readonly when: "type" | "start" | "later";
}

export interface Package {
  /** Its folder in packages/. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** What is published, no tests. */
  readonly files: readonly string[];
  readonly imports: readonly Import[];
}

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

export const isTest = (path: string): boolean => /\.test\.\w+$|(^|\/)test-support\//.test(path);

/** Every package of the repository, with what its product files import. */
export function packages(): readonly Package[] {
  const folders = readdirSync(join(root, "packages"));
  return folders.map((folder) => {
    const manifest = JSON.parse(read(`packages/${folder}/package.json`)) as Manifest;
    const files = [...sources(`packages/${folder}/src`), ...sources(`packages/${folder}/bin`)];
    return { folder, manifest, files, imports: files.flatMap(importsOf) };
  });
}

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.split(sep).join("/")}`)
    .filter((path) => /\.(ts|js|mjs)$/.test(path) && !isTest(path));
}

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** All that a file imports or has required, by literal names. */
export function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (when: Import["when"], source: unknown) => {
    const { value } = (source ?? {}) as { value?: unknown };
    if (typeof value === "string") found.push({ file, target: value, when });
  };
  walk(parseAst(read(file), { lang: "ts" }) as unknown as Node, (node) => {
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        add(isTypeOnly(node) ? "type" : "start", node.source);
        break;
      case "TSImportType":
        add("type", node.source ?? node.argument);
        break;
      case "ImportExpression":
        add("later", node.source);
        break;
      case "CallExpression":
        if (isRequire(node.callee as Node)) add("later", (node.arguments as Node[])[0]);
    }
  });
  return found;
}

function isTypeOnly({ importKind, exportKind, specifiers }: Node): boolean {
  if (importKind === "type" || exportKind === "type") return true;
  const list = (specifiers ?? []) as readonly Node[];
  return list.length > 0 && list.every((one) => [one.importKind, one.exportKind].includes("type"));
}

/** require(x), require.resolve(x), createRequire(...).resolve(x) */
function isRequire(callee: Node): boolean {
  if (callee.type === "Identifier") return callee.name === "require";
  const { object, property } = callee as { object?: Node; property?: Node };
  if (property?.name !== "resolve" || !object) return false;
  return isRequire(object) || (object.callee as Node | undefined)?.name === "createRequire";
}

function walk(node: unknown, visit: (node: Node) => void): void {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit);
    return;
  }
  const one = node as Node;
  if (typeof one.type === "string") visit(one);
  for (const value of Object.values(one)) walk(value, visit);
}

/** Where a relative import leads, from the root of the repository. */
export function pathOf({ file, target }: Import): string {
  return normalize(join(dirname(file), target))
    .split(sep)
    .join("/");
}

/** `@onebit/train/data` -> `@onebit/train`, `./data` */
export function splitName(target: string): readonly [name: string, path: string] {
  const parts = target.split("/");
  const length = target.startsWith("@") ? 2 : 1;
  return [parts.slice(0, length).join("/"), [".", ...parts.slice(length)].join("/")];
}
