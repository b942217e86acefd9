import { linearScale, logScale, rangeOf } from "./scale.js";
import { axes, colourOf, type Frame, legend, px, svg, titled } from "./svg.js";

export interface Lines {
  readonly x: readonly number[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** By the logarithm; values are above 0 then. */
  readonly yLog?: boolean;
  /** Values at each x; null interrupts a line. */
  readonly series: readonly { readonly name: string; readonly y: readonly (number | null)[] }[];
}

const [WIDTH, HEIGHT] = [640, 320];
const FRAME: Frame = { left: 60, top: 24, right: 460, bottom: HEIGHT - 44 };

/** Several lines over the same x. */
export function lineChart({ x, xLabel, yLabel, yLog, series }: Lines): string {
  const known = series.flatMap(({ y }) => y.filter((value) => value !== null));
  const across = linearScale([x[0], x[x.length - 1]], [FRAME.left, FRAME.right]);
  const up = (yLog ? logScale : linearScale)(rangeOf(known), [FRAME.bottom, FRAME.top]);
  const drawn = series.map(({ name, y }, i) => {
    const points = y.map((value, at) =>
      value === null ? null : `${px(across.at(x[at]))} ${px(up.at(value))}`,
    );
    const path = points.map((point, at) => {
      if (point === null) return "";
      return `${at && points[at - 1] !== null ? "L" : "M"}${point}`;
    });
    return titled(
      name,
      `<path d="${path.join("")}" fill="none" stroke="${colourOf(i)}" stroke-width="2"/>`,
    );
  });
  const frame = axes(FRAME, { scale: across, label: xLabel }, { scale: up, label: yLabel });
  const names = legend(
    FRAME.right + 16,
    FRAME.top + 10,
    series.map(({ name }) => name),
  );
  return svg(WIDTH, HEIGHT, frame + drawn.join("") + names, `${yLabel} along ${xLabel}`);
}
