import { expect, it } from "vitest";
import { handicapReason, isHandicapped } from "./handicap.js";

const shares = [
  { op: "Conv", share: 0.4 },
  { op: "PRelu", share: 0.3 },
  { op: "Where", share: 0.2 },
  { op: "Mul", share: 0.06 },
  { op: "Gemm", share: 0.04 },
];

it("marks a peer below 60 % of its bare convolution rate, with the ops that cost it", () => {
  expect(handicapReason(4, 10, shares)).toBe(
    "40 % of the bare convolution rate: 56 % of the time is outside convolutions (PRelu 30 %, Where 20 %, Mul 6 %)",
  );
  expect([5.9, 6, 12].map((rate) => isHandicapped(rate, 10))).toEqual([true, false, false]);
});

it("says where the convolutions themselves are slow", () => {
  const depthwise = [
    { op: "FusedConv", share: 0.9 },
    { op: "Clip", share: 0.1 },
  ];
  expect(handicapReason(2, 10, depthwise)).toBe(
    "20 % of the bare convolution rate: its own convolutions are of slower shapes; 10 % of the time is outside convolutions (Clip 10 %)",
  );
});
