import { counted } from "onebit/words";
import { percent, si } from "../terminal.js";
import type { ExplainedStep, Explanation } from "./explain.js";
import { DEPTHWISE, type Part, realNames } from "./parts.js";
import { DEPTHWISE_REASON } from "./steps.js";

/** Parts with less of the time than this are no reason. */
const LEAST_SHARE = 0.03;

/**
 * What a 1-bit multiply-add takes in all and why that is more than the convolutions alone: networks of other
 * families are compared by it. Undefined without 1-bit multiply-adds.
 */
export function perMacLine({ steps, parts, stepsMs, covered }: Explanation): string | undefined {
  const binaryMacs = steps.reduce((sum, step) => sum + step.binaryMacs, 0);
  if (!binaryMacs) return undefined;
  const each = (milliseconds: number) => `${((1e9 * milliseconds) / binaryMacs).toFixed(2)} ps`;
  const convolutions = parts.filter(({ name }) => name.startsWith("binary "));
  const alone = convolutions.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const others = parts
    .filter((part) => !convolutions.includes(part) && part.share >= LEAST_SHARE)
    .map(({ name, share }) => `${name} ${percent(share, 0)}${workOf(steps, name)}`);
  const beside = others.length ? `; the rest: ${others.join(", ")}` : "";
  const total = each(stepsMs / covered);
  const inside = `${each(alone)} in the convolutions alone${depthwiseOf(convolutions)}`;
  return `${total} per 1-bit multiply-add, ${inside}${beside}`;
}

/** What holds depthwise convolutions up, where they take a part of the time. */
function depthwiseOf(convolutions: readonly Part[]): string {
  const own = convolutions.filter(({ name }) => name.startsWith(DEPTHWISE));
  const share = own.reduce((sum, part) => sum + part.share, 0);
  if (share < LEAST_SHARE) return "";
  return `, of which depthwise ones take ${percent(share, 0)} of the whole: ${DEPTHWISE_REASON}`;
}

/** How much of it there is: real multiply-adds, or steps. */
function workOf(steps: readonly ExplainedStep[], name: string): string {
  const role = Object.entries(realNames).find(([, words]) => words === name)?.[0];
  const members = steps.filter((step) => step.role === role);
  if (!members.length) return "";
  const macs = members.reduce((sum, step) => sum + step.macs, 0);
  return ` (${macs ? `${si(macs)} real multiply-adds` : counted(members.length, "step")})`;
}
