import { percent } from "../terminal.js";
import { multiplies, type OpShare } from "./peers/onnx-profile.js";

/** A peer below this fraction of its bare convolution rate is marked. */
const HANDICAPPED = 0.6;

export function isHandicapped(gmacs: number, bareGmacs: number): boolean {
  return gmacs < HANDICAPPED * bareGmacs;
}

/**
 * Why a float peer is slower than its convolutions would let it be.
 * shares: onnxruntime-node's profile of the same model.
 */
export function handicapReason(
  gmacs: number,
  bareGmacs: number,
  shares: readonly OpShare[],
): string {
  const others = shares.filter(({ op }) => !multiplies(op));
  const outside = others.reduce((sum, { share }) => sum + share, 0);
  const largest = others
    .filter(({ share }) => share >= 0.01)
    .slice(0, 3)
    .map(({ op, share }) => `${op} ${percent(share, 0)}`);
  const named = largest.length ? ` (${largest.join(", ")})` : "";
  const reached = `${percent(gmacs / bareGmacs, 0)} of the bare convolution rate`;
  const elsewhere = `${percent(outside, 0)} of the time is outside convolutions${named}`;
  return outside >= 1 - HANDICAPPED
    ? `${reached}: ${elsewhere}`
    : `${reached}: its own convolutions are of slower shapes; ${elsewhere}`;
}
