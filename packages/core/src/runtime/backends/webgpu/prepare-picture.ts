import type { Preprocess } from "../../../image/preprocess.js";
import type { Taps } from "../../../image/resize.js";
import type { Preparing } from "../../run-images.js";
import { USAGE } from "./device.js";

/** A picture in the GPU's memory. */
export interface PictureSource {
  readonly binding: GPUTextureView | GPUExternalTexture;
  readonly isExternal: boolean;
}

/** Where a prepared picture goes. */
export interface PreparedPlace {
  readonly prepared: GPUBuffer;
  /** The word where it begins. */
  readonly to: number;
  /** The word that becomes 1 where any pixel is not wholly transparent. */
  readonly flag: number;
}

/**
 * One picture to [H, W, C] float32, bit for bit as image/preprocess.ts makes it of the same pixels. Submitted before
 * this returns.
 */
export function preparePicture(
  device: GPUDevice,
  { binding, isExternal }: PictureSource,
  [width, height]: readonly [width: number, height: number],
  how: Preprocess,
  { prepared, to, flag }: PreparedPlace,
  preparing: Preparing,
): void {
  const plan = planOf(width, height, how, preparing);
  const tables = filled(device, plan.tables, USAGE.storage);
  const [outHeight, outWidth] = how.size;
  const { from, count, columns, rows, table } = plan;
  const params = filled(
    device,
    Uint32Array.of(
      ...[from, count, outWidth, outHeight, columns.stride, rows.stride],
      ...[columns.at, rows.at, table, how.channels, to, flag],
    ),
    USAGE.uniform,
  );
  const lines = device.createBuffer({ size: 4 * outWidth * count, usage: USAGE.storage });
  const { across, down } = passesOf(device, isExternal);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const buffers = [params, tables, lines, prepared].map((buffer) => ({ buffer }));
  const run = (pipeline: GPUComputePipeline, resources: GPUBindingResource[], y: number) => {
    pass.setPipeline(pipeline);
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const layout = pipeline.getBindGroupLayout(0);
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroups(Math.ceil(outWidth / SIDE), Math.ceil(y / SIDE));
  };
  run(across, [...buffers, binding], count);
  run(down, buffers, outHeight);
  pass.end();
  device.queue.submit([encoder.finish()]);
  for (const buffer of [params, tables, lines]) buffer.destroy();
}

/** Threads of a workgroup, along both sides. */
const SIDE = 8;

interface Axis {
  /** Where its first positions, counts and weights begin, one behind the other. */
  readonly at: number;
  readonly stride: number;
}

interface Plan {
  readonly tables: Int32Array;
  readonly columns: Axis;
  readonly rows: Axis;
  /** Where the normalised values of each channel begin. */
  readonly table: number;
  /** Source rows that are read. */
  readonly from: number;
  readonly count: number;
}

/** What the passes read, in one buffer. */
function planOf(
  width: number,
  height: number,
  how: Preprocess,
  { fitting, normalizeTable, KERNELS, taps }: Preparing,
): Plan {
  const { window, ...target } = fitting({ width, height }, how);
  const kernel = KERNELS[how.interpolation];
  const columns = taps(width, [0, width], target.width, [window.left, window.width], kernel);
  const rows = taps(height, [0, height], target.height, [window.top, window.height], kernel);
  const values = Array.from({ length: how.channels }, (_, c) => {
    return new Int32Array(normalizeTable(how.mean[c], how.std[c]).buffer);
  });
  const parts = [...partsOf(columns), ...partsOf(rows), ...values];
  const tables = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  const starts: number[] = [];
  let end = 0;
  for (const part of parts) {
    tables.set(part, end);
    starts.push(end);
    end += part.length;
  }
  const from = rows.first[0];
  const last = rows.first.length - 1;
  return {
    ...{ tables, from, count: rows.first[last] + rows.count[last] - from },
    columns: { at: starts[0], stride: columns.stride },
    rows: { at: starts[3], stride: rows.stride },
    table: starts[6],
  };
}

const partsOf = ({ first, count, weights }: Taps) => [first, count, weights];

function filled(device: GPUDevice, data: Int32Array | Uint32Array, usage: number): GPUBuffer {
  const size = 16 * Math.ceil(data.length / 4);
  const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  new Int32Array(buffer.getMappedRange()).set(data);
  buffer.unmap();
  return buffer;
}

interface Passes {
  readonly across: GPUComputePipeline;
  readonly down: GPUComputePipeline;
}

const made = new WeakMap<GPUDevice, Map<boolean, Passes>>();

function passesOf(device: GPUDevice, isExternal: boolean): Passes {
  const known = made.get(device) ?? new Map<boolean, Passes>();
  made.set(device, known);
  const passes = known.get(isExternal) ?? {
    across: pipeline(device, acrossCode(isExternal)),
    down: known.get(!isExternal)?.down ?? pipeline(device, DOWN),
  };
  known.set(isExternal, passes);
  return passes;
}

function pipeline(device: GPUDevice, code: string): GPUComputePipeline {
  const module = device.createShaderModule({ code });
  return device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
}

/** Fractional bits of weights: image/resize.ts. */
const PRECISION = 22;

/** Sums of pixels times weights of 22 fractional bits, from a half on. */
const COMMON = `
struct Params {
  begin: u32, count: u32, width: u32, height: u32, columnStride: u32, rowStride: u32,
  columns: u32, rows: u32, table: u32, channels: u32, to: u32, flag: u32
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> tables: array<i32>;
@group(0) @binding(2) var<storage, read_write> lines: array<u32>;
@group(0) @binding(3) var<storage, read_write> prepared: array<u32>;
fn rounded(sum: vec3<i32>) -> vec3<i32> {
  return clamp(sum >> vec3(${PRECISION}u), vec3<i32>(), vec3(255));
}
`;

/** A thread for each column of the network's and each row of the picture's: laid on white, grey where that is wanted. */
const acrossCode = (isExternal: boolean) => `${COMMON}
@group(0) @binding(4) var source: ${isExternal ? "texture_external" : "texture_2d<f32>"};
fn pixel(x: u32, y: u32) -> vec3<i32> {
  let c = vec4<i32>(round(255.0 * textureLoad(source, vec2(x, y)${isExternal ? "" : ", 0"})));
  if (c.a > 0) { prepared[p.flag] = 1u; }
  let onWhite = (2 * (c.rgb * c.a + 255 * (255 - c.a)) + 255) / 510;
  if (p.channels == 3u) { return onWhite; }
  return vec3((19595 * onWhite.r + 38470 * onWhite.g + 7471 * onWhite.b + 0x8000) >> 16u);
}
@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.width || id.y >= p.count) { return; }
  let first = u32(tables[p.columns + id.x]);
  let count = u32(tables[p.columns + p.width + id.x]);
  let weights = p.columns + 2u * p.width + id.x * p.columnStride;
  var sum = vec3(${1 << (PRECISION - 1)});
  for (var k = 0u; k < count; k++) { sum += pixel(first + k, p.begin + id.y) * tables[weights + k]; }
  let v = vec3<u32>(rounded(sum));
  lines[id.y * p.width + id.x] = v.r | (v.g << 8u) | (v.b << 16u);
}
`;

/** A thread for each pixel of the network's. */
const DOWN = `${COMMON}
@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.width || id.y >= p.height) { return; }
  let first = u32(tables[p.rows + id.y]) - p.begin;
  let count = u32(tables[p.rows + p.height + id.y]);
  let weights = p.rows + 2u * p.height + id.y * p.rowStride;
  var sum = vec3(${1 << (PRECISION - 1)});
  for (var k = 0u; k < count; k++) {
    let word = lines[(first + k) * p.width + id.x];
    sum += vec3<i32>((vec3(word) >> vec3(0u, 8u, 16u)) & vec3(255u)) * tables[weights + k];
  }
  let v = vec3<u32>(rounded(sum));
  let at = p.to + (id.y * p.width + id.x) * p.channels;
  for (var c = 0u; c < p.channels; c++) {
    prepared[at + c] = bitcast<u32>(tables[p.table + 256u * c + v[c]]);
  }
}
`;
