import type { MapShape } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { windowCode } from "./binary-conv.js";
import { type Compiling, type Dispatch, pixelsOf } from "./compiling.js";
import type { EpilogueCode } from "./epilogue.js";
import { range, type TiledForm, threadsOf, tileOf } from "./forms.js";
import {
  beginGathering,
  type Gathering,
  gatherDeclarations,
  gatherWord,
  writeGathered,
} from "./gather.js";
import type { Params } from "./params.js";
import { workgroups } from "./shader.js";

export interface TiledInput {
  readonly compiling: Compiling;
  readonly step: BinaryConvStep;
  readonly shape: MapShape;
  readonly params: Params;
  readonly epilogue: EpilogueCode;
}

/** A workgroup for each tile of pixels and channels of a group: see binary-conv.ts. */
export function tiled(input: TiledInput, form: TiledForm): Dispatch {
  const { compiling, step, shape, params, epilogue } = input;
  const tile = tileOf(form);
  const threads = threadsOf(form);
  const [pixelThreads, channelThreads] = form.threads;
  const [rows, columns] = [range(form.each[0]), range(form.each[1])];
  const code = windowCode({ compiling, step, params });
  const groupTiles = Math.ceil(step.out / step.groups / tile.channels);
  const channelTiles = groupTiles * step.groups;
  const pixelTiles = Math.ceil(pixelsOf(shape) / tile.pixels);
  params.all({ pixels: pixelsOf(shape), groupTiles, channelTiles });
  const cells = rows.flatMap((i) => columns.map((j) => [i, j] as const));
  const gathering: Gathering = {
    ...{ epilogue, tile, threads },
    ...{ neighbours: channelThreads, subgroup: compiling.subgroup },
  };
  /** Accumulators of a thread, one after the other, whose bits lie in one word. */
  const perWord = 32 / channelThreads;
  const joined = gatherWord(gathering, "place");
  const main = `
  let thread = local.x;
  let group = tile % p.channelTiles / p.groupTiles;
  let pixel0 = tile / p.channelTiles * ${tile.pixels}u;
  let c0 = group * p.groupOut + tile % p.channelTiles % p.groupTiles * ${tile.channels}u;
  let channelEnd = (group + 1u) * p.groupOut;
  let lane = thread / ${channelThreads}u;
  let column = thread % ${channelThreads}u;
${cells.map(([i, j]) => `  var sum${i}_${j} = 0u;`).join("\n")}
  for (var k0 = 0u; k0 < p.depth; k0 += ${form.depth}u) {
    for (var i = thread; i < ${tile.pixels * form.depth}u; i += ${threads}u) {
      let pixel = pixel0 + i % ${tile.pixels}u;
      let k = k0 + i / ${tile.pixels}u;
      var quad = vec4<u32>();
      if (pixel < p.pixels && k < p.depth) { quad = windowAt(k, pixel, group); }
      windows[i] = quad;
    }
    for (var i = thread; i < ${tile.channels * form.depth}u; i += ${threads}u) {
      let c = c0 + i % ${tile.channels}u;
      let k = k0 + i / ${tile.channels}u;
      var quad = vec4<u32>();
      if (c < channelEnd && k < p.depth) { quad = quads[p.weights + k * p.out + c]; }
      weights[i] = quad;
    }
    workgroupBarrier();
    for (var k = 0u; k < min(${form.depth}u, p.depth - k0); k++) {
${rows.map((i) => `      let x${i} = windows[k * ${tile.pixels}u + lane + ${i * pixelThreads}u];`).join("\n")}
${columns.map((j) => `      let w${j} = weights[k * ${tile.channels}u + column + ${j * channelThreads}u];`).join("\n")}
${cells.map(([i, j]) => `      sum${i}_${j} += ones(x${i} ^ w${j});`).join("\n")}
    }
    workgroupBarrier();
  }
${beginGathering(gathering)}  var sums = array<u32, ${cells.length}>(${cells.map(([i, j]) => `sum${i}_${j}`).join(", ")});
  for (var i = 0u; i < ${cells.length}u; i++) {
    let row = lane + i / ${columns.length}u * ${pixelThreads}u;
    let place = row * ${tile.channels}u + column + i % ${columns.length}u * ${channelThreads}u;
    let pixel = pixel0 + row;
    let c = c0 + place % ${tile.channels}u;
    if (pixel < p.pixels && c < channelEnd) {
      epilogue(finished(sums[i], pixel, c), pixel, c, place);
    }
${joined && `    if (i % ${perWord}u == ${perWord - 1}u) { ${joined} }\n`}  }
${writeGathered(gathering)}`;
  const declarations = `${code}
var<workgroup> windows: array<vec4<u32>, ${tile.pixels * form.depth}>;
var<workgroup> weights: array<vec4<u32>, ${tile.channels * form.depth}>;
${gatherDeclarations(gathering)}${epilogue.code}
`;
  const count = pixelTiles * channelTiles;
  return workgroups({ params, count, size: [threads, 1], declarations, main });
}
