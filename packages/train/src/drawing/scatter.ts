import { labels } from "./labels.js";
import { linearScale, logScale, rangeOf } from "./scale.js";
import { axes, colourOf, type Frame, legend, px, svg, titled } from "./svg.js";

export interface ScatterPoint {
  readonly name: string;
  /** Above 0. */
  readonly x: number;
  readonly y: number;
  /** Half the length of a bar above and below it. */
  readonly deviation?: number;
  /** Index into `groups`; its colour. Default 0. */
  readonly group?: number;
}

export interface Scatter {
  readonly points: readonly ScatterPoint[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xWords?: (value: number) => string;
  readonly yWords?: (value: number) => string;
  /** Named beside the chart, where there are several. */
  readonly groups?: readonly string[];
  readonly height?: number;
}

const WIDTH = 760;

/** Points, named where there is room, x on a logarithmic scale. */
export function scatterChart(chart: Scatter): string {
  const { points, xLabel, yLabel, xWords, yWords, groups = [], height = 340 } = chart;
  const frame: Frame = { left: 60, top: 24, right: WIDTH - 130, bottom: height - 44 };
  const [least, most] = rangeOf(points.map(({ x }) => x));
  const across = logScale([least / 1.2, most * 1.2], [frame.left, frame.right]);
  const ends = points.flatMap(({ y, deviation = 0 }) => [y - deviation, y + deviation]);
  const [low, high] = rangeOf(ends);
  const room = 0.05 * (high - low || 1);
  const up = linearScale([low - room, high + room], [frame.bottom, frame.top]);
  const placed = points.map(({ name, x, y }) => ({ name, x: across.at(x), y: up.at(y) }));
  const names = labels(placed, WIDTH);
  const drawn = points.map(({ name, x, y, deviation, group = 0 }, i) => {
    const { x: cx, y: cy } = placed[i];
    const colour = colourOf(group);
    const bar = deviation
      ? `<path d="M${px(cx)} ${px(up.at(y - deviation))}V${px(up.at(y + deviation))}" stroke="${colour}"/>`
      : "";
    const title = `${name}: ${(yWords ?? String)(y)}, ${(xWords ?? String)(x)}`;
    return titled(
      title,
      `${bar}<circle cx="${px(cx)}" cy="${px(cy)}" r="4" fill="${colour}"/>${names[i]}`,
    );
  });
  const lines = axes(
    frame,
    { scale: across, label: xLabel, words: xWords },
    { scale: up, label: yLabel, words: yWords },
  );
  const kinds = groups.length > 1 ? legend(frame.left + 12, frame.top + 14, groups) : "";
  return svg(WIDTH, height, lines + drawn.join("") + kinds, `${yLabel}, and ${xLabel}`);
}
