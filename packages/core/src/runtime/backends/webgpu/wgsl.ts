import { INVERSE_FACTORIALS } from "../../../program/math.js";

/** Where everything lies, for all shaders; `base` is the first word of the image's arena. */
const COMMON = `
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> floats: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;
var<private> base: u32;
fn number(i: u32) -> f32 { return bitcast<f32>(arena[base + i]); }
fn put(i: u32, x: f32) { arena[base + i] = bitcast<u32>(x); }
fn constant(i: u32) -> u32 { return quads[i >> 2u][i & 3u]; }
fn signAt(i: u32, c: u32) -> f32 {
  return select(-1.0, 1.0, ((arena[base + i + (c >> 5u)] >> (c & 31u)) & 1u) == 1u);
}
`;

/**
 * Arithmetic that is rounded once for each operation, whatever the shader's compiler would like to
 * contract or reorder: results pass through an exclusive or with a zero that it does not know. On top,
 * numbers as sums of two (Dekker 1971, Knuth), for what the reference computes in double.
 */
const ROUNDED = `
fn keep(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ p.zero); }
`;

const EXACT = `
fn twoSum(a: f32, b: f32) -> vec2<f32> {
  let s = keep(a + b);
  let v = keep(s - a);
  return vec2(s, keep(a - keep(s - v)) + keep(b - v));
}
fn halves(a: f32) -> vec2<f32> {
  let t = keep(4097.0 * a);
  let h = keep(t - keep(t - a));
  return vec2(h, keep(a - h));
}
fn twoProduct(a: f32, b: f32) -> vec2<f32> {
  let q = keep(a * b);
  let x = halves(a);
  let y = halves(b);
  let e = keep(keep(keep(x.x * y.x) - q) + keep(x.x * y.y)) + keep(x.y * y.x);
  return vec2(q, keep(e) + keep(x.y * y.y));
}
fn joined(a: f32, b: f32) -> vec2<f32> {
  let s = keep(a + b);
  return vec2(s, b - keep(s - a));
}
fn add2(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let s = twoSum(a.x, b.x);
  return joined(s.x, s.y + keep(a.y + b.y));
}
fn multiply2(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let q = twoProduct(a.x, b.x);
  return joined(q.x, q.y + keep(keep(a.x * b.y) + keep(a.y * b.x)));
}
fn divide2(a: vec2<f32>, b: vec2<f32>) -> f32 {
  let q = keep(a.x / b.x);
  let r = twoProduct(q, b.x);
  return q + (keep(keep(a.x - r.x) - r.y) + keep(a.y - keep(q * b.y))) / b.x;
}
fn divide(a: f32, b: f32) -> f32 { return divide2(vec2(a, 0.0), vec2(b, 0.0)); }
`;

const f = Math.fround;

/** A float32 number as WGSL. */
const literal = (x: number) => `${f(x)}f`;
const pair = (x: number) => `vec2(${literal(x)}, ${literal(x - f(x))})`;

/** Few enough bits that its product with 127 is exact. */
const LN2_HIGH = 0.693145751953125;

/**
 * exp of x <= 0, as program/math.ts: x = k ln 2 + r, and a polynomial of r. Of less than -87, where
 * float32 numbers end, exp(-87).
 */
function sigmoidCode(): string {
  const [last, ...others] = INVERSE_FACTORIALS.toReversed();
  return `
var<private> factorials: array<vec2<f32>, ${others.length}> = array<vec2<f32>, ${others.length}>(${others.map(pair).join(", ")});
fn exp2Numbers(x: f32) -> vec2<f32> {
  let k = floor(keep(x * ${literal(Math.LOG2E)}) + 0.5);
  let high = twoSum(x, -keep(k * ${literal(LN2_HIGH)}));
  let r = add2(high, multiply2(vec2(-k, 0.0), ${pair(Math.LN2 - LN2_HIGH)}));
  var s = ${pair(last)};
  for (var i = 0; i < ${others.length}; i++) { s = add2(multiply2(s, r), factorials[i]); }
  return s * bitcast<f32>(u32(i32(k) + 127) << 23u);
}
fn sigmoid(x: f32) -> f32 {
  let e = exp2Numbers(max(-abs(x), -87.0));
  let one = vec2(1.0, 0.0);
  return divide2(select(one, e, x < 0.0), add2(one, e));
}
`;
}

/** As program/bfloat16.ts. */
const BFLOAT16 = `
fn bfloat16(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  return bitcast<f32>((u + 0x7fffu + ((u >> 16u) & 1u)) & 0xffff0000u);
}
`;

/** What a body uses, in front of it. */
export function withLibrary(struct: string, body: string): string {
  const sigmoid = body.includes("sigmoid(");
  const exact = sigmoid || /(divide|twoSum|add2)\(/.test(body);
  return [
    ...(body.includes("subgroup") ? ["enable subgroups;\n"] : []),
    struct,
    COMMON,
    ROUNDED,
    ...(exact ? [EXACT] : []),
    ...(sigmoid ? [sigmoidCode()] : []),
    ...(body.includes("bfloat16(") ? [BFLOAT16] : []),
    body,
  ].join("");
}
