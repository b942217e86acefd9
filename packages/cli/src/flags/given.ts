import { UsageError } from "onebit";
import type { AnyFlag, Kind, Scope } from "./flag.js";
import { listed } from "./readers.js";

/** A flag as it was given: its texts are none for a switch, several where it was repeated. */
interface GivenFlag {
  readonly flag: AnyFlag;
  readonly texts: readonly string[];
}

/** A network that flags may speak of. */
export interface Named {
  readonly path: string;
  readonly kind: Kind;
}

/** What was given of the flags that a command takes: their values, and how they were written. */
export class Given {
  constructor(private readonly flags: readonly GivenFlag[]) {}

  /** Reads every value; UsageError where one is none, or where flags do not go together. */
  values(declared: readonly AnyFlag[]): { readonly [key: string]: unknown } {
    for (const given of this.flags) this.checkTogether(given);
    const fallbacks = declared.map(({ key, facts }) => [key, facts.fallback]);
    const given = this.flags.map((one) => [one.flag.key, valueFrom(one)]);
    return Object.fromEntries([...fallbacks, ...given].filter(([, value]) => value !== undefined));
  }

  has(flag: AnyFlag): boolean {
    return this.flags.some((given) => given.flag.root === flag.root);
  }

  /** UsageError for a flag, one of these or any, that speaks of none of the networks. */
  checkScope(networks: Named | readonly Named[], flags?: readonly AnyFlag[]): void {
    const all = [networks].flat();
    for (const given of this.among(flags)) {
      const { scope, fallback } = given.flag.facts;
      if (!scope || all.some(({ kind }) => scope.kinds.includes(kind))) continue;
      if (given.texts.length && given.texts.at(-1) === String(fallback)) continue;
      throw outOfScope(given, scope, all);
    }
  }

  /** The words of these flags, as they were given. */
  words(flags: readonly AnyFlag[]): string[] {
    return this.among(flags).flatMap(({ flag, texts }) =>
      texts.length ? texts.flatMap((text) => [flag.name, text]) : [flag.name],
    );
  }

  private among(flags?: readonly AnyFlag[]): readonly GivenFlag[] {
    if (!flags) return this.flags;
    const roots = new Set(flags.map(({ root }) => root));
    return this.flags.filter(({ flag }) => roots.has(flag.root));
  }

  private checkTogether({ flag, texts }: GivenFlag): void {
    const { refusal, needs, excludes = [] } = flag.facts;
    if (refusal !== undefined) throw new UsageError(`${flag.name}: ${refusal}`);
    const because = (why?: string) => (why === undefined ? "" : `: ${why}`);
    if (needs && !this.has(needs.flag)) {
      throw new UsageError(
        `${written(flag, texts)} goes with ${needs.flag.name}${because(needs.why)}`,
      );
    }
    const other = excludes.find((one) => this.has(one.flag));
    if (!other) return;
    throw new UsageError(
      `${written(flag, texts)} does not go with ${other.flag.name}${because(other.why)}`,
    );
  }
}

function valueFrom({ flag, texts }: GivenFlag): unknown {
  const { reader, name, facts } = flag;
  if (!reader) return !name.startsWith("--no-");
  const values = texts.map((text) => reader.read(text, name));
  if (facts.isRepeated) return values;
  const [first, other] = new Set(texts);
  if (other === undefined) return values[0];
  throw new UsageError(`${name} is given twice, as ${first} and as ${other}: leave one out`);
}

const written = ({ name }: AnyFlag, texts: readonly string[]): string =>
  [name, ...texts.slice(-1)].join(" ");

export const nouns: { readonly [kind in Kind]: readonly [one: string, many: string] } = {
  packed: ["a packed network", "packed networks"],
  float: ["a float model", "float models"],
  onnx: ["an .onnx model", ".onnx models"],
  architecture: ["an architecture", "architectures"],
};

function outOfScope(
  { flag, texts }: GivenFlag,
  { kinds, others, instead }: Scope,
  networks: readonly Named[],
): UsageError {
  const [{ path, kind }] = networks;
  const scope = listed(
    kinds.map((one) => nouns[one][1]),
    "and",
  );
  const remedy = instead?.[kind] === undefined ? "" : `, or ${instead[kind]}`;
  return new UsageError(
    `${written(flag, texts)} goes with ${scope}; ${path} is ${nouns[kind][0]}, which ${others}: leave ${flag.name} out${remedy}`,
  );
}
