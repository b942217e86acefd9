/**
 * Runs instructions of a packed program, whose tables src/runtime/backends/wasm has written, on a
 * block of rows.
 *
 * Linear memory is imported; there is no allocator and no garbage collection.
 */
import { popcountConv } from "./popcount-conv";
import { clear, regroup } from "./bits";
import { conv } from "./conv";
import { depthwiseConv } from "./depthwise-conv";
import { Instruction, INSTRUCTION_BYTES, Op } from "./instruction";
import { linear } from "./linear";
import { lookupConv } from "./lookup-conv";
import { mean } from "./mean";
import { pairNibbles } from "./pair-nibbles";
import { averagePool, bitPool, maxPool } from "./pool";
import { grid, gridRange } from "./quantise";
import { scalarConv } from "./scalar-conv";
import { shuffle } from "./shuffle";
import { borderStarts, tileFloats, tileLongs, tileNibbles, tileWords } from "./tile";

export { setScratch } from "./instruction";
export { sigmoid } from "./sigmoid";

export function runList(list: usize, count: i32, firstRow: i32, rows: i32): void {
  const end = list + <usize>count * INSTRUCTION_BYTES;
  for (let at = list; at != end; at += INSTRUCTION_BYTES) {
    execute(changetype<Instruction>(at), firstRow, rows);
  }
}

function execute(i: Instruction, firstRow: i32, rows: i32): void {
  switch (i.op) {
    case Op.mean: return mean(i);
    case Op.clear: return clear(i, firstRow, rows);
    case Op.regroup: return regroup(i);
    case Op.popcountConv: return popcountConv(i, firstRow, rows);
    case Op.scalarConv: return scalarConv(i, firstRow, rows);
    case Op.pairNibbles: return pairNibbles(i, firstRow, rows);
    case Op.lookupConv: return lookupConv(i, firstRow, rows);
    case Op.conv: return conv(i, firstRow, rows);
    case Op.linear: return linear(i);
    case Op.maxPool: return maxPool(i, firstRow, rows);
    case Op.averagePool: return averagePool(i, firstRow, rows);
    case Op.tileWords: return tileWords(i);
    case Op.tileLongs: return tileLongs(i);
    case Op.tileNibbles: return tileNibbles(i);
    case Op.tileFloats: return tileFloats(i);
    case Op.borderStarts: return borderStarts(i);
    case Op.gridRange: return gridRange(i);
    case Op.grid: return grid(i, firstRow, rows);
    case Op.shuffle: return shuffle(i, firstRow, rows);
    case Op.bitPool: return bitPool(i, firstRow, rows);
    case Op.depthwiseConv: return depthwiseConv(i, firstRow, rows);
    default: unreachable();
  }
}
