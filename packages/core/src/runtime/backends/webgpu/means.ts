import type { MapShape } from "../../../program/geometry.js";
import type { ValueId } from "../../../program/types.js";
import type { Compiling, Dispatch } from "./compiling.js";
import { at, Params } from "./params.js";
import { elements, workgroups } from "./shader.js";

/** Numbers [H, W, C] somewhere in the arena. */
export interface Numbers {
  /** Word of the first one. */
  readonly first: () => number;
  /** Words from pixel to pixel. */
  readonly stride: number;
}

/** Threads that share the rows of 32 channels. */
const LANES = 8;

/** Mean over all pixels: rows in float32, rows as sums of two numbers, one division. */
export function meanOf(
  { slots }: Compiling,
  from: Numbers,
  [height, width, channels]: MapShape,
  id: ValueId,
  offset: number,
): Dispatch {
  const params = new Params();
  params.all({ height, width, channels, source: from.first, stride: from.stride });
  params.all({ to: at(slots[id], offset) });
  const area = params.f32("area", height * width);
  const main = `
    let c = tile * 32u + local.x;
    var total = vec2(0.0, 0.0);
    if (c < p.channels) {
      for (var y = local.y; y < p.height; y += ${LANES}u) {
        var row = 0.0;
        for (var x = 0u; x < p.width; x++) {
          row = keep(row + number(p.source + (y * p.width + x) * p.stride + c));
        }
        total = add2(total, vec2(row, 0.0));
      }
    }
    totals[local.y * 32u + local.x] = total;
    workgroupBarrier();
    if (local.y == 0u && c < p.channels) {
      for (var lane = 1u; lane < ${LANES}u; lane++) {
        total = add2(total, totals[lane * 32u + local.x]);
      }
      put(p.to + c, divide2(total, vec2(${area}, 0.0)));
    }`;
  const declarations = `var<workgroup> totals: array<vec2<f32>, ${32 * LANES}>;\n`;
  return workgroups({
    params,
    count: Math.ceil(channels / 32),
    size: [32, LANES],
    ...{ declarations, main },
  });
}

/** Means of windows of 2x2 pixels, summed in the order of rows. */
export function pairMeansOf(
  { program, slots }: Compiling,
  from: Numbers,
  [height, width, channels]: MapShape,
  id: ValueId,
  offset: number,
): Dispatch {
  const params = new Params();
  params.all({ width, channels, source: from.first, stride: from.stride, halfWidth: width / 2 });
  params.all({ to: at(slots[id], offset), toStride: program.values[id].shape[2] });
  const body = `
    let c = i % p.channels;
    let pixel = i / p.channels;
    let y = 2u * (pixel / p.halfWidth);
    let x = 2u * (pixel % p.halfWidth);
    let upper = p.source + (y * p.width + x) * p.stride + c;
    let lower = upper + p.width * p.stride;
    let first = keep(number(upper) + number(upper + p.stride));
    let sum = keep(keep(first + number(lower)) + number(lower + p.stride));
    put(p.to + pixel * p.toStride + c, sum * 0.25);`;
  return elements(params, (height / 2) * (width / 2) * channels, body);
}
