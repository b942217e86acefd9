import { linearScale, rangeOf } from "./scale.js";
import { colourOf, px, svg, text } from "./svg.js";

/** How often values fall into bins of equal width from `low` to `high`; those outside count in the outermost. */
export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
}

/** Bins over the range of all values, or over a given one. */
export function histogram(
  values: ArrayLike<number>,
  [low, high]: readonly [number, number] = rangeOf(values),
  bins = 40,
): Histogram {
  const counts = new Array<number>(bins).fill(0);
  const width = (high - low) / bins || 1;
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] - low) / width);
    counts[Math.min(bins - 1, Math.max(0, bin))]++;
  }
  return { low, high, counts };
}

const [WIDTH, HEIGHT, BASE] = [210, 92, 74];

/** A small bar chart, its zero marked. */
export function histogramChart({ low, high, counts }: Histogram, colour = colourOf(0)): string {
  const most = Math.max(1, ...counts);
  const side = WIDTH / counts.length;
  const bars = counts.map((count, i) => {
    const height = (BASE * count) / most;
    if (!count) return "";
    return `<rect x="${px(i * side)}" y="${px(BASE - height)}" width="${px(side)}" height="${px(height)}" fill="${colour}"/>`;
  });
  const { at } = linearScale([low, high], [0, WIDTH]);
  const zero =
    low < 0 && high > 0 ? `<path d="M${px(at(0))} 0V${BASE}" stroke="#1b1f24" opacity=".5"/>` : "";
  const ends = [
    text(0, HEIGHT - 5, low.toPrecision(3)),
    text(WIDTH, HEIGHT - 5, high.toPrecision(3), "end"),
  ];
  return svg(
    WIDTH,
    HEIGHT,
    `<path d="M0 ${BASE}H${WIDTH}" stroke="#9ca3af"/>${bars.join("")}${zero}${ends.join("")}`,
  );
}
