import type { ComputingName } from "../../../../program/micro-ops.js";
import { type FunctionBody, SIGMOID } from "./assembler.js";

/** Four channels of a pixel. */
interface Operands {
  readonly b: FunctionBody;
  /** Pushes a register: the first that the micro-op names, or another. */
  r(index?: number): FunctionBody;
  /** Pushes a tensor's numbers, or a number in all lanes. */
  parameter(index: number): FunctionBody;
  /** The sign of what is equal. */
  readonly zero?: number;
}

/** What leaves the value of each micro-op on the stack, one rounding per operation. */
export const CODE: { readonly [N in ComputingName]: (operands: Operands) => void } = {
  affine({ r, parameter }) {
    r();
    parameter(0).op("f32x4.mul");
    parameter(1).op("f32x4.add");
  },
  shift({ r, parameter }) {
    r();
    parameter(0).op("f32x4.add");
  },
  scale({ r, parameter }) {
    r();
    parameter(0).op("f32x4.mul");
  },
  prelu({ r, parameter }) {
    r();
    r();
    parameter(0).op("f32x4.mul");
    r().splat(0).op("f32x4.gt").op("v128.bitselect");
  },
  relu({ r }) {
    r();
    r().splat(0).op("f32x4.gt").op("v128.and");
  },
  sigmoid({ r }) {
    r().call(SIGMOID);
  },
  "hard-sigmoid"({ b, r }) {
    r().splat(3).op("f32x4.add").splat(0).op("f32x4.max").splat(6).op("f32x4.min");
    b.splat(1 / 6).op("f32x4.mul");
  },
  clamp({ r, parameter }) {
    parameter(0);
    parameter(1);
    r();
    r();
    parameter(1).op("f32x4.gt").op("v128.bitselect");
    r();
    parameter(0).op("f32x4.lt").op("v128.bitselect");
  },
  add({ r }) {
    r();
    r(1).op("f32x4.add");
  },
  mul({ r }) {
    r();
    r(1).op("f32x4.mul");
  },
  mix({ b, r, parameter }) {
    parameter(0);
    r().op("f32x4.mul").splat(1);
    parameter(0).op("f32x4.sub");
    r(1).op("f32x4.mul");
    b.op("f32x4.add");
  },
  sign({ b, r, parameter, zero }) {
    b.splat(1).splat(-1);
    r();
    parameter(0)
      .op(zero === 1 ? "f32x4.ge" : "f32x4.gt")
      .op("v128.bitselect");
  },
  max: (operands) => chosen(operands, "f32x4.gt"),
  min: (operands) => chosen(operands, "f32x4.lt"),
  round({ r }) {
    r().op("f32x4.nearest").splat(0).op("f32x4.add");
  },
};

/** The first where the comparison holds, else the second. */
function chosen({ r }: Operands, comparison: "f32x4.gt" | "f32x4.lt"): void {
  r();
  r(1);
  r();
  r(1).op(comparison).op("v128.bitselect");
}
