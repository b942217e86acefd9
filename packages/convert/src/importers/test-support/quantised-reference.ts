/**
 * A second implementation of BNext's official quantised classes in evaluation, in float64, for one
 * image; written from their description alone and sharing no code with what it checks.
 *
 *   mixing scales         as stored; BNext-18's second units clamp theirs to [0, 1]
 *   inputs of real layers a grid per image (vectors) or per plane (maps); none for 8 bits and 3 channels
 *   weights of real layers over twice their mean size per output channel; a grid per plane or row
 *
 * Source: hpi-xnor/BNext, bnext_quant.py, birealnet_quant.py, utils_quant.py.
 */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
type State = { readonly [key: string]: Numbers };

/** Planes of height x width numbers. */
interface Planes {
  readonly height: number;
  readonly width: number;
  readonly planes: readonly (readonly number[])[];
}

export interface Bits {
  readonly stem: number;
  readonly gates: number;
  readonly classifier: number;
  readonly shortcuts: number;
  /** Of inputs, in levels from the lowest; half to even unless given. */
  readonly round?: Rounding;
}

/** `reach`: how far the float32 of another implementation may lie from x, both in levels. */
export type Rounding = (x: number, reach: number) => number;

const real = 32;

/** BNext with a stem of stride 1. */
export function quantisedBnext(state: State, image: Planes, bits: Bits): number[] {
  let x = norm(state, "feature.0.bn1", realConv(state, "feature.0.conv1", image, bits.stem, bits));
  const gates = { weights: bits.gates, inputs: bits.gates, round: bits.round };
  for (let i = 1; `feature.${i}.Attention.scale` in state; i++) {
    const key = `feature.${i}`;
    const widens = `${key}.FFN_1.scale` in state;
    const stride = widens && i > 1 ? 2 : 1;
    const pooled = stride === 2 ? halved(x) : x;
    const activated = prelu(state, `${key}.Attention.activation1`, x);
    const r = stride === 2 ? halved(activated) : activated;
    const attention = i % 2 === 0;
    const v = attention
      ? unit(state, `${key}.Attention`, { u: x, r, mixed: pooled, stride, attention, gates })
      : unit(state, `${key}.Attention`, { u: x, r: pooled, mixed: pooled, stride, gates });
    const halves = (widens ? ["FFN_1", "FFN_2"] : ["FFN"]).map((name) =>
      unit(state, `${key}.${name}`, { u: v, r: v, mixed: v, stride: 1, gates }),
    );
    x = { ...v, planes: halves.flatMap(({ planes }) => planes) };
  }
  return classified(state, x, bits);
}

/** BNext-18 with the small stem. */
export function quantisedBnext18(state: State, image: Planes, bits: Bits): number[] {
  let x = norm(state, "bn1", realConv(state, "conv1", image, bits.stem, bits));
  const inputs = bits.gates === real ? real : 2 * bits.gates;
  const gates = { weights: bits.gates, inputs, round: bits.round };
  for (let stage = 0; stage < 4; stage++) {
    for (let i = 0; `layer${stage}.${i}.FFN.scale` in state; i++) {
      const key = `layer${stage}.${i}`;
      const down = `${key}.Attention.downsample`;
      const stride = `${down}.1.weight` in state ? 2 : 1;
      let r = prelu(state, `${key}.Attention.activation1`, x);
      if (stride === 2) {
        const shortcut = realConv(state, `${down}.1`, halved(r), bits.shortcuts, bits);
        r = norm(state, `${down}.2`, shortcut);
      }
      const attention = true;
      const v = unit(state, `${key}.Attention`, { u: x, r, mixed: r, stride, attention, gates });
      x = unit(state, `${key}.FFN`, { u: v, r: v, mixed: v, stride: 1, gates, clamped: true });
    }
  }
  return classified(state, x, bits);
}

interface Unit {
  readonly u: Planes;
  readonly r: Planes;
  readonly mixed: Planes;
  readonly stride: number;
  readonly gates: {
    readonly weights: number;
    readonly inputs: number;
    readonly round: Rounding | undefined;
  };
  readonly attention?: boolean;
  readonly clamped?: boolean;
}

function unit(state: State, key: string, { u, r, mixed, stride, gates, ...kind }: Unit): Planes {
  const bias = state[`${key}.move.bias`].data;
  const signs = eachPlane(u, (x, c) => Math.sign(x + bias[c]));
  const { shape, data } = state[`${key}.binary_conv.weight`];
  const weights = { shape, data: Array.from(data, Math.sign) };
  const products = norm(state, `${key}.norm1`, convolved(signs, weights, stride));
  const y = prelu(state, `${key}.activation2`, products);
  const scale = Array.from(state[`${key}.scale`].data, (a) =>
    kind.clamped ? Math.min(1, Math.max(0, a)) : a,
  );
  const [means, others] = [meansOf(mixed), meansOf(y)];
  const mix = scale.map((a, c) => a * means[c] + (1 - a) * others[c]);
  const hidden = gateLayer(state, `${key}.se.se.1`, mix, gates).map((x) => Math.max(0, x));
  const gate = gateLayer(state, `${key}.se.se.3`, hidden, gates).map((x) => 1 / (1 + Math.exp(-x)));
  const gated = eachPlane(y, (x, c, i) => x * gate[c] * (kind.attention ? r.planes[c][i] : 1));
  return eachPlane(norm(state, `${key}.norm2`, gated), (x, c, i) => x + r.planes[c][i]);
}

function gateLayer(state: State, key: string, x: readonly number[], bits: Unit["gates"]): number[] {
  const isColour = bits.inputs === 8 && x.length === 3;
  const input = isColour ? x : onGrid(x, bits.inputs, 1000, bits.round);
  const rows = gridRows(state[`${key}.weight`], bits.weights, 1000);
  const bias = state[`${key}.bias`].data;
  return rows.map((row, o) => row.reduce((sum, w, i) => sum + w * input[i], bias[o]));
}

function classified(state: State, x: Planes, { classifier, round }: Bits): number[] {
  const features = onGrid(meansOf(prelu(state, "prelu", x)), classifier, 25, round);
  const rows = gridRows(state["fc.weight"], classifier, 25);
  const bias = state["fc.bias"].data;
  return rows.map((row, o) => row.reduce((sum, w, i) => sum + w * features[i], bias[o]));
}

function realConv(
  state: State,
  key: string,
  x: Planes,
  bits: number,
  { round }: Pick<Bits, "round">,
): Planes {
  const weight = state[`${key}.weight`];
  const { length } = x.planes;
  const isColour = bits === 8 && length === 3;
  const input = isColour
    ? x
    : { ...x, planes: x.planes.map((plane) => onGrid(plane, bits, 1000, round)) };
  const data = gridRows(weight, bits, 1000).flat();
  const y = convolved(input, { shape: weight.shape, data }, 1);
  const bias = state[`${key}.bias`]?.data;
  return bias ? eachPlane(y, (v, c) => v + bias[c]) : y;
}

/** A weight by output channel, on its grids. */
function gridRows({ shape, data }: Numbers, bits: number, clip: number): number[][] {
  const [outs, ins] = shape;
  const area = (shape[2] ?? 1) * (shape[3] ?? 1);
  return Array.from({ length: outs }, (_, o) => {
    const row = Array.from(data).slice(o * ins * area, (o + 1) * ins * area);
    if (bits === real) return row;
    const size = (2 * row.reduce((sum, w) => sum + Math.abs(w), 0)) / row.length;
    const unitRow = row.map((w) => w / size);
    const planes = Array.from({ length: ins }, (_, i) => unitRow.slice(i * area, (i + 1) * area));
    const groups = area === 1 ? [unitRow] : planes;
    return groups.flatMap((group) => onGrid(group, bits, clip)).map((w) => w * size);
  });
}

/** Of what float32 computes up to a real layer, relative to the largest number: 8 roundings. */
const float32Error = 1e-6;

function onGrid(
  x: readonly number[],
  bits: number,
  clip: number,
  round: Rounding = halfToEven,
): number[] {
  if (bits === real) return [...x];
  const clipped = x.map((v) => Math.min(clip, Math.max(-clip, v)));
  const low = Math.min(...clipped);
  const range = Math.max(...clipped) - low + 1e-8;
  const levels = 2 ** bits - 1;
  const largest = Math.max(...clipped.map(Math.abs));
  const reach = ((float32Error * largest) / range) * levels;
  return clipped.map((v) => (round(((v - low) / range) * levels, reach) / levels) * range + low);
}

export function halfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** Zeros around, half a kernel wide. */
function convolved(x: Planes, { shape, data }: Numbers, stride: number): Planes {
  const [outs, ins, kernel] = shape;
  const pad = (kernel - 1) / 2;
  const [height, width] = [x.height / stride, x.width / stride];
  const at = (c: number, row: number, column: number) =>
    row < 0 || column < 0 || row >= x.height || column >= x.width
      ? 0
      : x.planes[c][row * x.width + column];
  const planes = Array.from({ length: outs }, (_, o) =>
    Array.from({ length: height * width }, (_, i) => {
      const [top, left] = [Math.floor(i / width) * stride - pad, (i % width) * stride - pad];
      let sum = 0;
      for (let c = 0; c < ins; c++) {
        for (let k = 0; k < kernel * kernel; k++) {
          const w = data[(o * ins + c) * kernel * kernel + k];
          sum += w * at(c, top + Math.floor(k / kernel), left + (k % kernel));
        }
      }
      return sum;
    }),
  );
  return { height, width, planes };
}

function norm(state: State, key: string, x: Planes): Planes {
  const of = (name: string) => state[`${key}.${name}`].data;
  const [gain, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(of);
  return eachPlane(
    x,
    (v, c) => ((v - mean[c]) / Math.sqrt(variance[c] + 1e-5)) * gain[c] + bias[c],
  );
}

function prelu(state: State, key: string, x: Planes): Planes {
  const slope = state[`${key}.weight`].data;
  return eachPlane(x, (v, c) => (v > 0 ? v : slope[c] * v));
}

function halved({ height, width, planes }: Planes): Planes {
  const half = width / 2;
  const pooled = planes.map((plane) =>
    Array.from({ length: (height / 2) * half }, (_, i) => {
      const corner = Math.floor(i / half) * 2 * width + (i % half) * 2;
      return (
        (plane[corner] + plane[corner + 1] + plane[corner + width] + plane[corner + width + 1]) / 4
      );
    }),
  );
  return { height: height / 2, width: half, planes: pooled };
}

const meansOf = ({ planes }: Planes) =>
  planes.map((plane) => plane.reduce((sum, v) => sum + v, 0) / plane.length);

function eachPlane(x: Planes, of: (v: number, channel: number, i: number) => number): Planes {
  return { ...x, planes: x.planes.map((plane, c) => plane.map((v, i) => of(v, c, i))) };
}
