import { listed, type Reader } from "./readers.js";

/** What a flag speaks of: a network of some kind, or an architecture's name. */
export type Kind = "packed" | "float" | "onnx" | "architecture";

/** Of which networks a flag is, and why not of others. */
export interface Scope {
  readonly kinds: readonly Kind[];
  /** What is true of all others, such as "runs on ONNX Runtime". */
  readonly others: string;
  /** What else can be done with others. */
  readonly instead?: { readonly [kind in Kind]?: string };
}

interface Together {
  readonly flag: AnyFlag;
  readonly why?: string;
}

interface Facts {
  readonly help: string;
  readonly heading?: string;
  /** What holds without it, in words. */
  readonly otherwise?: string;
  /** Its value without it. */
  readonly fallback?: unknown;
  readonly isRequired?: boolean;
  readonly isRepeated?: boolean;
  readonly needs?: Together;
  readonly excludes?: readonly Together[];
  readonly scope?: Scope;
  /** Why this command does not take it, though users may well try. */
  readonly refusal?: string;
}

/**
 * One flag of the command line: name, form of its value, help, how it is read and with what it does
 * not go together. Every command that has it lists this object, or one derived from it, which says
 * in the command's words what the flag means there.
 *
 * K: its property among the values. V: its value, undefined where it can be left out.
 */
export class Flag<K extends string = string, V = unknown> {
  /** Only a type. */
  declare readonly value: V;
  readonly key: K;
  /** "--stem-stride" */
  readonly name: string;
  /** "<n>"; switches have none. */
  readonly form: string | undefined;

  constructor(
    /** As help shows it: "-o, --output <file>". */
    readonly spec: string,
    readonly reader: Reader<unknown> | undefined,
    readonly facts: Facts,
    /** The flag that it was derived from, by way of others or none. */
    private readonly origin?: AnyFlag,
  ) {
    const [, name, form] = /(--[\w-]+)(?: (.+))?$/.exec(spec)!;
    this.name = name;
    this.form = form;
    this.key = camelCase(name.replace(/^--(no-)?/, "")) as K;
  }

  /** The flag itself, whatever a command calls its meaning. */
  get root(): AnyFlag {
    return this.origin ?? this;
  }

  /** In a command's own words. */
  means(help: string): Flag<K, V> {
    return this.but({ help });
  }

  /** What happens without it, where that is no fixed value. */
  otherwise(otherwise: string): Flag<K, V> {
    return this.but({ otherwise });
  }

  byDefault<D extends NonNullable<V>>(fallback: D): Flag<K, NonNullable<V>> {
    return this.but({ fallback, otherwise: String(fallback) });
  }

  required(): Flag<K, NonNullable<V>> {
    return this.but({ isRequired: true });
  }

  /** May be given several times; the value is a list. */
  repeated(): Flag<K, readonly NonNullable<V>[] | undefined> {
    return this.but({ isRepeated: true });
  }

  under(heading: string): Flag<K, V> {
    return this.but({ heading });
  }

  needs(flag: AnyFlag, why?: string): Flag<K, V> {
    return this.but({ needs: { flag, why } });
  }

  excludes(flag: AnyFlag, why?: string): Flag<K, V> {
    const { excludes = [] } = this.facts;
    return this.but({ excludes: [...excludes, { flag, why }] });
  }

  of(scope: Scope): Flag<K, V> {
    return this.but({ scope });
  }

  /** Of every network. */
  anywhere(): Flag<K, V> {
    return this.but({ scope: undefined });
  }

  refused(refusal: string): Flag<K, V> {
    return this.but({ refusal });
  }

  /** What help says of it. */
  get description(): string {
    const { help, otherwise } = this.facts;
    const { choices } = this.reader ?? {};
    const isNamed = choices?.every((choice) => help.includes(choice)) ?? true;
    const named = isNamed ? help : `${help}: ${listed(choices!)}`;
    return otherwise === undefined ? named : `${named} (default: ${otherwise})`;
  }

  private but<W = V>(changes: Partial<Facts>): Flag<K, W> {
    return new Flag<K, W>(this.spec, this.reader, { ...this.facts, ...changes }, this.root);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a flag of whatever name and value
export type AnyFlag = Flag<any, any>;

/** A switch: `--json` is true where it is given, `--no-elm` makes `elm` false. */
export function flag<S extends string>(spec: S, help: string): Flag<KeyOf<S>, SwitchOf<S>>;
/** A flag with a value, such as `--threads <n>`. */
export function flag<S extends string, V>(
  spec: S,
  help: string,
  reader: Reader<V>,
): Flag<KeyOf<S>, V | undefined>;
export function flag(spec: string, help: string, reader?: Reader<unknown>): AnyFlag {
  return new Flag(spec, reader, { help });
}

/** The same flags, under a heading of their own in help. */
export function under<F extends AnyFlag>(heading: string, flags: readonly F[]): F[] {
  return flags.map((one) => one.under(heading) as F);
}

/** The values of these flags, each under its key. */
export type FlagValues<F extends readonly AnyFlag[]> = {
  readonly [flag in F[number] as IfOptional<flag, flag["key"], never>]?: flag["value"];
} & {
  readonly [flag in F[number] as IfOptional<flag, never, flag["key"]>]: flag["value"];
};

type IfOptional<F extends AnyFlag, Yes, No> = undefined extends F["value"] ? Yes : No;

type LongName<S extends string> = S extends `${string}--${infer Name} <${string}`
  ? Name
  : S extends `${string}--${infer Name}`
    ? Name
    : never;
type CamelCase<S extends string> = S extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : S;
type KeyOf<S extends string> = CamelCase<
  LongName<S> extends `no-${infer Name}` ? Name : LongName<S>
>;
type SwitchOf<S extends string> = (LongName<S> extends `no-${string}` ? false : true) | undefined;

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
