/**
 * What a query and each row of an index have in common: src/search.
 *
 *   hamming:  to[n] = sum over words of popcount(query[word] ^ rows[n][word])
 *   dots:     s[j] = sum over i of query[16 i + j] * rows[n][16 i + j]
 *             t[j] = (s[j] + s[j + 4]) + (s[j + 8] + s[j + 12]);  to[n] = (t[0] + t[1]) + (t[2] + t[3])
 *
 * Tile: 128 bits of a row, or 16 floats. Cost per 128 multiply-adds of hamming: 4 loads, 2 xor, 2 popcnt,
 * 2 additions of 64 bits. Rows are read once: long ones wait for memory.
 */

/** bytes: of a row, a multiple of 8. */
export function hamming(query: usize, rows: usize, count: i32, bytes: i32, to: usize): void {
  const end = query + <usize>bytes;
  for (let n = 0; n < count; n++) {
    let sum: i64 = 0;
    for (let at = query; at != end; at += 8, rows += 8) {
      sum += popcnt(load<i64>(at) ^ load<i64>(rows));
    }
    store<i32>(to, <i32>sum);
    to += 4;
  }
}

/** bytes: of a row, a multiple of 64. */
export function dots(query: usize, rows: usize, count: i32, bytes: i32, to: usize): void {
  const end = query + <usize>bytes;
  for (let n = 0; n < count; n++) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let at = query; at != end; at += 64, rows += 64) {
      a = f32x4.add(a, f32x4.mul(v128.load(at), v128.load(rows)));
      b = f32x4.add(b, f32x4.mul(v128.load(at, 16), v128.load(rows, 16)));
      c = f32x4.add(c, f32x4.mul(v128.load(at, 32), v128.load(rows, 32)));
      d = f32x4.add(d, f32x4.mul(v128.load(at, 48), v128.load(rows, 48)));
    }
    const t = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    const low = f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 1);
    f32.store(to, low + (f32x4.extract_lane(t, 2) + f32x4.extract_lane(t, 3)));
    to += 4;
  }
}
