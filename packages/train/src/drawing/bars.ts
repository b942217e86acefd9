import { linearScale, rangeOf } from "./scale.js";
import { colourOf, px, svg, text } from "./svg.js";

const [WIDTH, HEIGHT, BASE] = [210, 92, 74];

/** A thin bar for each of many values, from 0: what is learned per channel. */
export function barsChart(values: ArrayLike<number>, colour = colourOf(0)): string {
  const [low, high] = rangeOf(values);
  const y = linearScale([Math.min(0, low), Math.max(0, high)], [BASE, 4]);
  const x = linearScale([0, values.length], [0, WIDTH]);
  const bars = Array.from(
    values,
    (value, i) => `M${px(x.at(i + 0.5))} ${px(y.at(0))}V${px(y.at(value))}`,
  );
  const thick = px(Math.max(0.3, (0.8 * WIDTH) / values.length));
  const body = [
    `<path d="M0 ${px(y.at(0))}H${WIDTH}" stroke="#9ca3af" stroke-width=".5"/>`,
    `<path d="${bars.join("")}" stroke="${colour}" stroke-width="${thick}"/>`,
    text(0, HEIGHT - 5, low.toPrecision(3)),
    text(WIDTH, HEIGHT - 5, high.toPrecision(3), "end"),
  ];
  return svg(WIDTH, HEIGHT, body.join(""));
}
