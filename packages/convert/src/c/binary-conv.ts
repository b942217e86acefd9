import { type BinaryConvStep, paddingEnd } from "onebit/program";
import { bitWords } from "./arena.js";
import type { Body } from "./body.js";
import type { Context } from "./context.js";
import { differing, differingWhere } from "./differing.js";
import { type Code, words } from "./text.js";
import { eachPixel, eachPosition } from "./window.js";

/** Of each position of the kernel, for one group. */
const tapWords = ({ groups }: BinaryConvStep, channels: number) => bitWords(channels / groups);

/** Words of a row of weights, and of a window. */
const rowWords = (step: BinaryConvStep, channels: number) =>
  step.kernel[0] * step.kernel[1] * tapWords(step, channels);

/** Whether a window may hold what counts for nothing. */
const hasHoles = (step: BinaryConvStep) => step.padValue === 0 && isPadded(step);

const isPadded = (step: BinaryConvStep) =>
  [...step.padding, ...paddingEnd(step)].some((n) => n > 0);

/** Whether a pixel's bits are a window as they lie: in whole words, what follows the last may be anything. */
function isPixel(step: BinaryConvStep, channels: number): boolean {
  const isOne = [...step.kernel, ...step.stride].every((n) => n === 1) && !isPadded(step);
  return isOne && step.groups === 1 && channels % 32 === 0;
}

/** Words that the step needs: a window's bits, and which of them count. */
export function binaryConvScratch(step: BinaryConvStep, channels: number): number {
  if (isPixel(step, channels)) return 0;
  return rowWords(step, channels) * (hasHoles(step) ? 2 : 1);
}

/**
 * The window of a pixel is gathered once, and compared with the weights of each channel:
 * acc = products - 2 * ones(window ^ weights). Where padding counts for nothing, a mask leaves it out.
 */
export function binaryConv(
  code: Code,
  context: Context,
  step: BinaryConvStep,
  body: Body,
  scratch: number,
): void {
  const input = context.value(step.input).shape;
  const channels = input[2] / step.groups;
  const taps = step.kernel[0] * step.kernel[1];
  const row = rowWords(step, input[2]);
  const weights = weightsOf(context, step, channels);
  const differ = differing(context, row);
  const acc = (products: string) =>
    context.ofInteger(`${products} - 2 * ${differ}(window, ${weights}[c])`);
  body.before(code);
  if (isPixel(step, input[2])) {
    eachPixel(code, context.shapeOf(step), () => {
      code.line(
        `const uint32_t *const window = &arena.w[${context.arena.values[step.input]} + pixel * ${row}];`,
      );
      body.channels(code, () => acc(`${channels}`));
    });
    body.after(code);
    return;
  }
  code.line(`uint32_t *const window = &arena.w[${scratch}];`);
  if (hasHoles(step)) code.line(`uint32_t *const mask = &arena.w[${scratch + row}];`);
  eachPixel(code, context.shapeOf(step), () => {
    const group = step.groups === 1 ? undefined : { size: step.out / step.groups };
    const inside = () => {
      gather(code, context, step, channels);
      const whole = () => body.channels(code, () => acc(`${taps * channels}`), group);
      if (!hasHoles(step)) {
        whole();
        return;
      }
      code.block(`if (count == ${taps})`, whole, "} else {");
      const masked = differingWhere(context, row);
      code.line(`  const int32_t products = count * ${channels};`);
      code.indented(() =>
        body.channels(
          code,
          () => context.ofInteger(`products - 2 * ${masked}(window, ${weights}[c], mask)`),
          group,
        ),
      );
      code.line("}");
    };
    if (group) code.loop("group", step.groups, inside);
    else inside();
  });
  body.after(code);
}

function gather(code: Code, context: Context, step: BinaryConvStep, channels: number): void {
  const { input, groups, padValue, kernel } = step;
  const [height, width, all] = context.value(input).shape;
  const each = tapWords(step, all);
  const pixelWords = bitWords(all);
  const place = context.arena.values[input];
  const holes = hasHoles(step);
  if (holes) code.line("int32_t count = 0;");
  eachPosition(code, step, [height, width, all], () => {
    const tap = `(ky * ${kernel[1]} + kx)`;
    if (holes) code.line("count += inside;");
    code.loop("i", each, () => {
      const at = each === 1 ? `[${tap}]` : `[${tap} * ${each} + i]`;
      if (each === 1) code.line("(void)i;");
      const last = channels % 32 ? ` & (i == ${each - 1} ? ${mask(channels)} : 0xffffffffu)` : "";
      const outside = padValue === 1 ? "0xffffffffu" : "0u";
      code.line(`uint32_t bits = ${outside};`);
      code.block("if (inside)", () => {
        const pixel = `arena.w[${place} + (iy * ${width} + ix) * ${pixelWords}`;
        if (groups === 1) code.line(`bits = ${pixel}${each === 1 ? "" : " + i"}];`);
        else groupBits(code, `&${pixel}]`, channels, pixelWords);
      });
      code.line(`window${at} = bits${last};`);
      if (holes) code.line(`mask${at} = inside ? 0xffffffffu : 0u;`);
    });
  });
}

/** A group may begin within a word. */
function groupBits(code: Code, pixel: string, channels: number, pixelWords: number): void {
  code.line(`const int32_t first = group * ${channels} + 32 * i;`);
  code.line(`const uint32_t *const pixel_bits = ${pixel};`);
  code.line("const uint32_t shift = (uint32_t)first % 32u;");
  code.line("bits = pixel_bits[first / 32] >> shift;");
  code.line(
    `if (shift != 0u && first / 32 + 1 < ${pixelWords}) bits |= pixel_bits[first / 32 + 1] << (32u - shift);`,
  );
}

const mask = (channels: number) => words([2 ** (channels % 32) - 1])[0];

/** Rows whose positions begin a word each: `static const uint32_t name[O][...]`. */
function weightsOf(context: Context, step: BinaryConvStep, channels: number): string {
  const { kernel, out, weight } = step;
  const bits = context.tensors[weight].data as Uint8Array;
  const taps = kernel[0] * kernel[1];
  const each = bitWords(channels);
  const rowBytes = bits.length / out;
  const write = (name: string) => {
    const rows = Array.from({ length: out }, (_, o) => {
      const row = new Uint32Array(taps * each);
      for (let at = 0; at < taps * channels; at++) {
        const bit = (bits[o * rowBytes + (at >> 3)] >> (at & 7)) & 1;
        const c = at % channels;
        row[((at - c) / channels) * each + (c >> 5)] |= bit << (c & 31);
      }
      return `  { ${words(row).join(", ")} },`;
    });
    return `static const uint32_t ${name}[${out}][${taps * each}] = {\n${rows.join("\n")}\n};`;
  };
  const key = `bits ${weight} ${kernel} ${channels}`;
  return context.constant(key, "weights", 4 * out * taps * each, write);
}
