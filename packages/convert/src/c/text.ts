/** Lines of C, indented by two blanks a level. */
export class Code {
  readonly #lines: string[] = [];
  #level = 0;

  line(text = ""): this {
    this.#lines.push(text && "  ".repeat(this.#level) + text);
    return this;
  }

  /** A line without indentation: for the preprocessor. */
  raw(text: string): this {
    this.#lines.push(text);
    return this;
  }

  /** One level deeper. */
  indented(inside: () => void): this {
    this.#level++;
    inside();
    this.#level--;
    return this;
  }

  /** Lines of text, as they are but for the level. */
  lines(text: readonly string[]): this {
    for (const one of text) this.line(one);
    return this;
  }

  /** `head {`, what `inside` writes, `}`. */
  block(head: string, inside: () => void, end = "}"): this {
    return this.line(head ? `${head} {` : "{")
      .indented(inside)
      .line(end);
  }

  /** `for (name = 0; name < count; name++)`, of int32_t. */
  loop(name: string, count: number | string, inside: () => void): this {
    return this.block(`for (int32_t ${name} = 0; ${name} < ${count}; ${name}++)`, inside);
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}

/** A comment cannot end early, whatever a layer is called. */
export function comment(text: string): string {
  return `/* ${text.replace(/\*\//g, "* /").replace(/[^\x20-\x7e]/g, "?")} */`;
}

/** A float32 number that a C compiler reads back as it is. */
export function float(x: number): string {
  if (Object.is(x, -0)) return "-0.0f";
  const text = Number(x.toPrecision(9)).toString();
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

const PER_LINE = 8;

/** `static const type name[length] = { ... };` */
export function constArray(type: string, name: string, items: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += PER_LINE) {
    lines.push(`  ${items.slice(i, i + PER_LINE).join(", ")},`);
  }
  return `static const ${type} ${name}[${items.length}] = {\n${lines.join("\n")}\n};`;
}

export const floats = (data: ArrayLike<number>) => Array.from(data, float);
export const words = (data: ArrayLike<number>) =>
  Array.from(data, (word) => `0x${(word >>> 0).toString(16).padStart(8, "0")}u`);

export const plus = (name: string, offset: number) => (offset ? `${name} + ${offset}` : name);
