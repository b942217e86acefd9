import { OnebitError } from "../errors.js";
import { array, string, strings } from "./json.js";
import { MAX_NAME_LENGTH } from "./limits.js";

/**
 * Dotted names, grouped by what stands before the last dot, so that long scopes
 * ("feature.12.Attention") are stored once. Name i is the i-th suffix, counted through all groups.
 */
export class NameTable {
  readonly scopes: readonly (readonly [scope: string, suffixes: readonly string[]])[];
  readonly #indices = new Map<string, number>();

  constructor(names: readonly string[]) {
    const groups = new Map<string, string[]>();
    for (const name of new Set(names)) {
      const dot = name.lastIndexOf(".");
      const scope = name.slice(0, Math.max(dot, 0));
      const group = groups.get(scope);
      // "a" and ".a" would both be joined to "a": an empty scope is only for names without a dot.
      const suffix = dot === 0 ? name : name.slice(dot + 1);
      if (group) group.push(suffix);
      else groups.set(scope, [suffix]);
    }
    this.scopes = [...groups];
    for (const name of readNames(this.scopes)) this.#indices.set(name, this.#indices.size);
  }

  indexOf(name: string): number {
    return this.#indices.get(name)!;
  }
}

export function readNames(json: unknown): string[] {
  return array(json, "program.names").flatMap((group, i) => {
    const where = `program.names[${i}]`;
    const [scope, suffixes] = array(group, where);
    const prefix = string(scope, where);
    return strings(suffixes, where).map((suffix) => {
      const name = prefix ? `${prefix}.${suffix}` : suffix;
      if (name.length <= MAX_NAME_LENGTH) return name;
      throw new OnebitError(`${where}: a name has more than ${MAX_NAME_LENGTH} characters`);
    });
  });
}
