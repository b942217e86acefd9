import { elementCount, type MapShape, outputShape } from "../../../program/geometry.js";
import { levelsOf } from "../../../program/quantiser.js";
import type {
  ConvStep,
  LinearStep,
  PointwiseStep,
  PoolStep,
  Program,
  QuantiseStep,
  ShuffleStep,
} from "../../../program/types.js";
import { type Compiling, type Dispatch, pixelWords } from "./compiling.js";
import { at, Params } from "./params.js";
import { readOf } from "./read.js";
import { workgroups } from "./shader.js";

/** fn accumulate(pixel, c) of a step, and what runs before it. */
export interface Accumulate {
  readonly code: string;
  readonly before?: Dispatch;
}

interface Input<S> {
  readonly compiling: Compiling;
  readonly step: S;
  readonly index: number;
  readonly params: Params;
}

const accumulate = (body: string) => `fn accumulate(pixel: u32, c: u32) -> f32 {${body}
}
`;

export function pointwise({ compiling, step, params }: Input<PointwiseStep>): Accumulate {
  const value = readOf({ compiling, params, name: "x" }, step.input, "pixel", "c");
  return { code: accumulate(` return ${value};`) };
}

/** In the order of inputs. Weights lie by input, then output: neighbouring threads read neighbours. */
export function linear({ compiling, step, params }: Input<LinearStep>): Accumulate {
  const { program, slots, constants, tensors } = compiling;
  const inputs = program.values[step.input].shape[2];
  const weights = constants.add(
    () => transposed(tensors[step.weight].data as Float32Array, step.out),
    `transposed ${step.weight}`,
  );
  params.all({ x: at(slots[step.input]), inputs, weights, out: step.out });
  return {
    code: accumulate(`
  var sum = 0.0;
  for (var i = 0u; i < p.inputs; i++) {
    sum = keep(sum + keep(number(p.x + i) * floats[p.weights + i * p.out + c]));
  }
  return sum;`),
  };
}

/** [O, ...] as [..., O]. */
function transposed(rows: Float32Array, out: number): Float32Array {
  const length = rows.length / out;
  const result = new Float32Array(rows.length);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < length; i++) result[i * out + o] = rows[o * length + i];
  return result;
}

/** In the order of kernel rows, columns and channels; what lies outside is skipped. */
export function conv({ compiling, step, params }: Input<ConvStep>): Accumulate {
  const { program, constants, tensors } = compiling;
  const channels = program.values[step.input].shape[2];
  const weights = constants.add(
    () => transposed(tensors[step.weight].data as Float32Array, step.out),
    `transposed ${step.weight}`,
  );
  const { groups, out } = step;
  params.all({ weights, out, groupIn: channels / groups, groupOut: out / groups });
  return {
    code: accumulate(`
  let firstIn = c / p.groupOut * p.groupIn;
  var sum = 0.0;
${windowLoop(compiling, step, params)}
    let x = at + firstIn;
    let w = p.weights + position * p.groupIn * p.out + c;
    for (var i = 0u; i < p.groupIn; i++) {
      sum = keep(sum + keep(number(x + i) * floats[w + i * p.out]));
    }
  }}
  return sum;`),
  };
}

export function pool({ compiling, step, params }: Input<PoolStep>): Accumulate {
  const loop = windowLoop(compiling, step, params);
  if (step.mode === "max") {
    const bits = compiling.program.values[step.input].kind === "bits";
    const words = bits ? params.u32("words", pixelWords(compiling.program, step.input)) : "";
    const x = bits ? `signAt(p.x + (iy * p.width + ix) * ${words}, c)` : "number(at + c)";
    return {
      code: accumulate(`
  var most = -${LARGEST}f;
${loop}
    let x = ${x};
    if (x > most) { most = x; }
  }}
  return most;`),
    };
  }
  const area = params.f32("area", step.kernel[0] * step.kernel[1]);
  return {
    code: accumulate(`
  var sum = 0.0;
${loop}
    sum = keep(sum + number(at + c));
  }}
  return divide(sum, ${area});`),
  };
}

/** Channels in another order; 0 where there is none. */
export function shuffle({ compiling, step, params }: Input<ShuffleStep>): Accumulate {
  const { shape } = compiling.program.values[step.input];
  const channels = step.whole ? elementCount(shape) : shape[2];
  params.all({ dealt: step.dealt, channels, each: channels / step.dealt, mapChannels: shape[2] });
  params.all({ first: step.first >>> 0 });
  const places = step.whole ? ["(k / p.mapChannels)", "k % p.mapChannels"] : ["pixel", "k"];
  const value = readOf({ compiling, params, name: "x" }, step.input, places[0], places[1]);
  return {
    code: accumulate(`
  let i = p.first + c;
  if (i >= p.channels) { return 0.0; }
  let k = i % p.dealt * p.each + i / p.dealt;
  return ${value};`),
  };
}

/** Opens two loops over a window's positions inside the map: `at` is the first channel there. */
function windowLoop(
  { program, slots }: Compiling,
  step: ConvStep | PoolStep,
  params: Params,
): string {
  windowParams(program, step, params);
  params.u32("x", at(slots[step.input]));
  return `  let top = i32(pixel / p.outWidth * p.strideY) - i32(p.padY);
  let left = i32(pixel % p.outWidth * p.strideX) - i32(p.padX);
  for (var ky = 0u; ky < p.kernelY; ky++) {
  for (var kx = 0u; kx < p.kernelX; kx++) {
    let iy = u32(top + i32(ky));
    let ix = u32(left + i32(kx));
    if (iy >= p.height || ix >= p.width) { continue; }
    let position = ky * p.kernelX + kx;
    let at = p.x + (iy * p.width + ix) * p.channels;`;
}

export interface WindowStep {
  readonly input: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

export function windowParams(
  program: Program,
  step: WindowStep & { readonly kind: string },
  params: Params,
) {
  const { kernel, stride, padding, input } = step;
  const [height, width, channels] = program.values[input].shape;
  const outWidth = outputShape(program, step as ConvStep)[1];
  params.all({ height, width, channels, outWidth });
  params.all({ kernelY: kernel[0], kernelX: kernel[1], strideY: stride[0], strideX: stride[1] });
  params.all({ padY: padding[0], padX: padding[1] });
}

/** Of float32: WGSL has no infinities. */
const LARGEST = 3.4028234663852886e38;

const LANES = 64;

/** The grid of each group is found first: its low and its range, two numbers. */
export function quantise({ compiling, step, index, params }: Input<QuantiseStep>): Accumulate {
  const { arena, program } = compiling;
  const shape = program.values[step.input].shape;
  const perChannel = step.group === "channel";
  const grids = at(arena.reserve(2 * (perChannel ? shape[2] : 1), index));
  const first = params.u32("grids", grids);
  const levels = params.f32("levels", levelsOf(step.bits));
  const value = clippedAt(compiling, step, params, "pixel", "c");
  const code = accumulate(`
  let grid = ${first} + 2u * ${perChannel ? "c" : "0u"};
  let low = number(grid);
  let range = number(grid + 1u);
  let code = round(keep(divide(keep(${value} - low), range) * ${levels}));
  return keep(divide(code, ${levels}) * range) + low;`);
  return { code, before: findGrids(compiling, step, shape, grids) };
}

function clippedAt(
  compiling: Compiling,
  step: QuantiseStep,
  params: Params,
  pixel: string,
  channel: string,
): string {
  const value = readOf({ compiling, params, name: "x" }, step.input, pixel, channel);
  const clip = params.f32("clip", step.clip);
  return `max(min(${value}, ${clip}), -${clip})`;
}

function findGrids(
  compiling: Compiling,
  step: QuantiseStep,
  [height, width, channels]: MapShape,
  grids: () => number,
): Dispatch {
  const params = new Params();
  const perChannel = step.group === "channel";
  const count = perChannel ? channels : 1;
  const elements = height * width * (perChannel ? 1 : channels);
  params.all({ grids, elements });
  params.u32("channels", channels);
  const [pixel, channel] = perChannel ? ["i", "tile"] : ["(i / p.channels)", "i % p.channels"];
  const value = clippedAt(compiling, step, params, pixel, channel);
  const main = `
    var low = ${LARGEST}f;
    var high = -${LARGEST}f;
    for (var i = local.x; i < p.elements; i += ${LANES}u) {
      let x = ${value};
      low = min(low, x);
      high = max(high, x);
    }
    ends[local.x] = vec2(low, high);
    workgroupBarrier();
    if (local.x == 0u) {
      for (var lane = 1u; lane < min(${LANES}u, p.elements); lane++) {
        low = min(low, ends[lane].x);
        high = max(high, ends[lane].y);
      }
      put(p.grids + 2u * tile, low + 0.0);
      put(p.grids + 2u * tile + 1u, keep(high - low) + ${Math.fround(1e-8)}f);
    }`;
  const declarations = `var<workgroup> ends: array<vec2<f32>, ${LANES}>;\n`;
  return workgroups({ params, count, size: [LANES, 1], declarations, main });
}
