/**
 * Runs one step of a packed program, whose tables src/runtime/backends/wasm has written.
 *
 *   prologue;  for each block of rows: for each instruction: run it on the block;  finish
 *
 * The only export. Linear memory is imported; there is no allocator and no garbage collection.
 */
import { binaryConv } from "./binary-conv";
import { clear, loadBits, regroup, threshold } from "./bits";
import { conv } from "./conv";
import { elementwise } from "./elementwise";
import { Instruction, INSTRUCTION_BYTES, Op, Step } from "./instruction";
import { linear } from "./linear";
import { mean, rowSums } from "./mean";
import { averagePool, maxPool } from "./pool";
import { copyChannels } from "./store";

export function runStep(address: usize): void {
  const step = changetype<Step>(address);
  runList(step.prologue, step.prologueCount, 0, step.rows, step.width);
  for (let y = 0; y < step.rows; y += step.blockRows) {
    runList(step.body, step.bodyCount, y, min(step.blockRows, step.rows - y), step.width);
  }
  runList(step.finish, step.finishCount, 0, step.rows, step.width);
}

function runList(list: usize, count: i32, firstRow: i32, rows: i32, width: i32): void {
  const end = list + <usize>count * INSTRUCTION_BYTES;
  for (let at = list; at != end; at += INSTRUCTION_BYTES) {
    execute(changetype<Instruction>(at), firstRow, rows, width);
  }
}

function execute(i: Instruction, firstRow: i32, rows: i32, width: i32): void {
  const pixels = <usize>(rows * width);
  const first = <usize>(firstRow * width);
  if (elementwise(i, pixels, first)) return;
  switch (i.op) {
    case Op.store: return copyChannels(i, pixels, first);
    case Op.bits: return threshold(i, firstRow, rows);
    case Op.loadBits: return loadBits(i, firstRow, rows);
    case Op.rowSums: return rowSums(i, firstRow, rows);
    case Op.mean: return mean(i);
    case Op.clear: return clear(i);
    case Op.regroup: return regroup(i);
    case Op.binaryConv: return binaryConv(i, firstRow, rows);
    case Op.conv: return conv(i, firstRow, rows);
    case Op.linear: return linear(i);
    case Op.maxPool: return maxPool(i, firstRow, rows);
    case Op.averagePool: return averagePool(i, firstRow, rows);
    default: unreachable();
  }
}
