import type { Context } from "./context.js";
import { Code } from "./text.js";

/** Words that are added to each other before any bit is counted, without an instruction for it. */
const BLOCK = 36;

/** The name of a function that counts in how many bits two rows of so many words differ. */
export function differing(context: Context, count: number): string {
  return counting(context, count, false);
}

/** The same where a third row has ones. */
export function differingWhere(context: Context, count: number): string {
  return counting(context, count, true);
}

function counting(context: Context, count: number, masked: boolean): string {
  const name = `${masked ? "differing_where" : "differing"}_${count}`;
  context.call("popcount-instruction");
  return context.function(name, () => functionOf(context, name, count, masked));
}

function functionOf(context: Context, name: string, count: number, masked: boolean): string {
  const rows = masked ? ["a", "b", "where"] : ["a", "b"];
  const word = (i: string | number) => `(a[${i}] ^ b[${i}])${masked ? ` & where[${i}]` : ""}`;
  const code = new Code();
  code.line(
    `static inline int32_t ${name}(${rows.map((row) => `const uint32_t *${row}`).join(", ")})`,
  );
  code.block("", () => {
    code.line("int32_t ones = 0;");
    code.raw("#ifdef POPCOUNT");
    byInstruction(code, count, masked);
    code.raw("#else");
    const rest = count % BLOCK;
    if (count > rest) {
      code.block(`for (int32_t i = 0; i < ${count - rest}; i += ${BLOCK})`, () =>
        added(code, context, BLOCK, (k) => word(`i + ${k}`)),
      );
    }
    if (rest) code.block("", () => added(code, context, rest, (k) => word(count - rest + k)));
    code.raw("#endif");
    code.line("return ones;");
  });
  return code.toString();
}

/** Two words at a time. */
function byInstruction(code: Code, count: number, masked: boolean): void {
  if (count > 1) {
    code.block(`for (int32_t i = 0; i < ${count - (count % 2)}; i += 2)`, () => {
      code.line(`uint64_t x, y${masked ? ", z" : ""};`);
      for (const [to, row] of [["x", "a"], ["y", "b"], ...(masked ? [["z", "where"]] : [])]) {
        code.line(`__builtin_memcpy(&${to}, &${row}[i], sizeof ${to});`);
      }
      code.line(`ones += POPCOUNT((x ^ y)${masked ? " & z" : ""});`);
    });
  }
  if (count % 2) {
    const i = count - 1;
    code.line(`ones += POPCOUNT((a[${i}] ^ b[${i}])${masked ? ` & where[${i}]` : ""});`);
  }
}

/**
 * Words as numbers of a few bits, one for each place: three words of one weight become one of it and one of the next
 * by a full adder (five operations), so that of 36 words six are left to count.
 */
function added(code: Code, context: Context, count: number, word: (i: number) => string): void {
  const planes: string[][] = [];
  const push = (level: number, name: string): void => {
    planes[level] ??= [];
    planes[level].push(name);
    const [a, b, c] = planes[level];
    if (c === undefined) return;
    const [sum, carry] = [`${a}_${level}`, `c${c}`];
    code.line(`const uint32_t ${sum}x = ${a} ^ ${b};`);
    code.line(`const uint32_t ${sum} = ${sum}x ^ ${c};`);
    code.line(`const uint32_t ${carry} = (${a} & ${b}) | (${sum}x & ${c});`);
    planes[level] = [sum];
    push(level + 1, carry);
  };
  for (let k = 0; k < count; k++) {
    code.line(`const uint32_t w${k} = ${word(k)};`);
    push(0, `w${k}`);
  }
  for (let level = 0; level < planes.length; level++) {
    const [a, b] = planes[level];
    if (b === undefined) continue;
    code.line(`const uint32_t ${a}_h = ${a} ^ ${b};`);
    code.line(`const uint32_t ${a}_c = ${a} & ${b};`);
    planes[level] = [`${a}_h`];
    push(level + 1, `${a}_c`);
  }
  code.line(
    `ones += ${counter(context, planes.length)}(${planes.map(([name]) => name).join(", ")});`,
  );
}

/** The name of a function that counts the ones of so many words, of which each counts twice as much as the last. */
function counter(context: Context, planes: number): string {
  const name = `count_${planes}`;
  context.call("popcount-masks");
  if (planes > 2) context.call("sum-of-bytes");
  return context.function(name, () => {
    const code = new Code();
    const words = Array.from({ length: planes }, (_, i) => `p${i}`);
    code.line("#ifndef POPCOUNT");
    code.line(`static inline int32_t ${name}(${words.map((one) => `uint32_t ${one}`).join(", ")})`);
    code.block("", () => {
      code.line("const uint32_t m1 = in_register(0x55555555u);");
      code.line("const uint32_t m2 = in_register(0x33333333u);");
      code.line("const uint32_t m4 = in_register(0x0f0f0f0fu);");
      for (const p of words) {
        code.line(`${p} = ${p} - (m1 & (${p} >> 1));`);
        code.line(`${p} = (${p} & m2) + (m2 & (${p} >> 2));`);
      }
      // Two planes come to 12 at most in 4 bits, four to 120 in 8.
      for (let i = 0; i < planes; i += 2) {
        if (i + 1 < planes) code.line(`p${i} += p${i + 1} << 1;`);
        code.line(`p${i} = (p${i} & m4) + (m4 & (p${i} >> 4));`);
      }
      for (let i = 0; i + 2 < planes; i += 4) code.line(`p${i} += p${i + 2} << 2;`);
      if (planes <= 2) {
        code.line("/* 96 at most. */");
        code.line("return (int32_t)((p0 * 0x01010101u) >> 24);");
        return;
      }
      const sums = words.flatMap((p, i) => {
        if (i % 4) return [];
        const sum = `sum_of_bytes(${p})`;
        return [i === 0 ? sum : `${sum} * ${2 ** i}`];
      });
      code.line(`return ${sums.join(" + ")};`);
    });
    code.line("#endif");
    return code.toString();
  });
}
