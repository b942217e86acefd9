import type { ConvStep, MapShape, PadValue } from "onebit/program";
import type { ChannelGroup } from "./body.js";
import type { Code } from "./text.js";

/** What steps say that look at windows of a map. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly padValue?: PadValue;
}

/** `for` every position (ky, kx) of a window: iy and ix are where it lies, `inside` whether that is on the map. */
export function eachPosition(
  code: Code,
  { kernel, stride, padding, dilation = [1, 1], padValue }: Window,
  [height, width]: MapShape,
  write: () => void,
): void {
  const place = (name: string, axis: 0 | 1, size: number) => {
    const [o, k] = axis === 0 ? ["oy", "ky"] : ["ox", "kx"];
    const apart = dilation[axis] === 1 ? k : `${k} * ${dilation[axis]}`;
    const at = `${o} * ${stride[axis]} + ${apart} - ${padding[axis]}`;
    const clamped = padValue === "replicate";
    code.line(`${clamped ? "" : "const "}int32_t ${name} = ${at};`);
    if (!clamped) return;
    code.line(`${name} = ${name} < 0 ? 0 : ${name} > ${size - 1} ? ${size - 1} : ${name};`);
  };
  code.loop("ky", kernel[0], () => {
    place("iy", 0, height);
    code.loop("kx", kernel[1], () => {
      place("ix", 1, width);
      code.line(`const int inside = iy >= 0 && iy < ${height} && ix >= 0 && ix < ${width};`);
      write();
    });
  });
}

/** `for` every pixel of a map: (oy, ox), and its number. */
export function eachPixel(code: Code, [height, width]: MapShape, write: () => void): void {
  code.loop("oy", height, () => {
    code.loop("ox", width, () => {
      code.line(`const int32_t pixel = oy * ${width} + ox;`);
      code.line("(void)pixel;");
      write();
    });
  });
}

/** How the numbers of a window are read, and what is done with them. */
export interface Gathered {
  /** The number at a pixel and channel, both expressions. */
  read(pixel: string, channel: string): string;
  /** What there is outside of the map. */
  readonly zero: string;
  /** What makes a number of a window of either. */
  readonly cast?: string;
  /** What follows for the window of a group; undefined: there is one group. */
  each(group?: ChannelGroup): void;
}

/** The numbers of a pixel's window in \`window\`, in the order of a row of weights, group by group. */
export function gatherWindow(
  code: Code,
  step: ConvStep,
  input: MapShape,
  { read, zero, cast = "", each }: Gathered,
): void {
  const channels = input[2] / step.groups;
  const one = (base: string, group?: ChannelGroup) => {
    eachPosition(code, step, input, () => {
      code.line(`const int32_t at = (ky * ${step.kernel[1]} + kx) * ${channels};`);
      code.loop("k", channels, () => {
        const x = read(`(iy * ${input[1]} + ix)`, `${base}k`);
        const number = `inside ? ${x} : ${zero}`;
        code.line(`window[at + k] = ${cast ? `${cast}(${number})` : number};`);
      });
    });
    each(group);
  };
  if (step.groups === 1) {
    one("");
    return;
  }
  code.loop("group", step.groups, () =>
    one(`group * ${channels} + `, { size: step.out / step.groups }),
  );
}
