import type { Form, Gate, Switches } from "onebit/models";
import { type Shapes, some } from "../catalogue/shapes.js";

/** What the keys of Info-RCP units tell, in both BNext families. */
export function infoRcp(shapes: Shapes): Switches {
  return { gate: gate(shapes), seReduction: reduction(shapes) };
}

function gate(shapes: Shapes): Gate | undefined {
  if (!some(shapes, /\.se\.se\.\d/)) return "none";
  return some(shapes, /\.scale$/) ? undefined : "input";
}

/** floor(C / r) hidden channels, at least one, in every gate; undefined for the published 8. */
function reduction(shapes: Shapes): number | undefined {
  const gates = [...shapes.keys()].flatMap((key) => {
    const unit = /^(.*\.se\.se)\.1\.weight$/.exec(key)?.[1];
    const [hidden, channels] = [shapes.get(key)?.[0], shapes.get(`${unit}.3.weight`)?.[0]];
    return unit && hidden && channels ? [{ hidden, channels }] : [];
  });
  const fits = (r: number) =>
    gates.every(({ hidden, channels }) => hidden === Math.max(1, Math.floor(channels / r)));
  if (fits(8)) return undefined;
  const ratios = gates.map(({ hidden, channels }) => Math.max(1, Math.floor(channels / hidden)));
  return [16, ...ratios].find(fits);
}

/** Temperatures belong to binary weights, dead PReLUs to the official modules only. */
export function bnextForm(shapes: Shapes): Form {
  if (some(shapes, /\.binary_conv\.temperature$/)) return "binary";
  return some(shapes, /\.FFN\w*\.activation1\.weight$/) ? "step1" : "real";
}
