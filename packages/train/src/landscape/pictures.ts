import { contour, type Grid, linearScale, lineChart, logScale } from "../drawing/index.js";
import { type Axis, axes, type Frame, px, svg, text } from "../drawing/svg.js";
import { coordinate } from "./coordinate.js";
import type { LandscapeResult, NetworkLandscape } from "./result.js";

/** Losses below it are drawn as it: a logarithm has no 0. */
const LOWEST = 1e-3;
/** Lines at 0.1 times powers of the square root of 2, as far as losses go. */
const levels = Array.from({ length: 30 }, (_, i) => 0.1 * 2 ** ((i - 8) / 2));

const PANEL = 300;
const GAP = 50;
const COLUMNS = 3;

/** Contours of all networks, side by side, with one scale of colours, which is that of the loss's logarithm. */
export function contoursSvg({ grid, networks }: LandscapeResult): string {
  const [low, high] = range(networks);
  const heat = linearScale([Math.log(low), Math.log(high)], [0, 1]);
  const rows = Math.ceil(networks.length / COLUMNS);
  const columns = Math.min(COLUMNS, networks.length);
  const panels = networks.map((network, i) => {
    const left = GAP + (i % COLUMNS) * (PANEL + GAP);
    const top = GAP + Math.floor(i / COLUMNS) * (PANEL + 2 * GAP);
    const frame = { left, top, right: left + PANEL, bottom: top + PANEL };
    return panel(network, frame, grid.radius, high, (loss) => heat.at(Math.log(loss)));
  });
  const width = GAP + columns * (PANEL + GAP);
  const bottom = rows * (PANEL + 2 * GAP);
  const key = colourKey([low, high], { left: GAP, top: bottom + 14, right: width - GAP });
  return svg(width, bottom + 64, panels.join("") + key, "contours of the loss");
}

/** Along the first direction, through the trained networks. */
export function sliceSvg({ grid, networks }: LandscapeResult): string {
  const middle = (grid.points - 1) / 2;
  return lineChart({
    x: Array.from({ length: grid.points }, (_, i) => coordinate(grid, i)),
    xLabel: "first direction",
    ...{ yLabel: "loss", yLog: true },
    series: networks.map(({ name, losses }) => ({
      name,
      y: losses[middle].map((loss) => (loss === null ? null : Math.max(LOWEST, loss))),
    })),
  });
}

function range(networks: readonly NetworkLandscape[]): [number, number] {
  const all = networks.flatMap(({ losses }) => losses.flat());
  const finite = all.flatMap((loss) => (loss === null ? [] : [Math.max(LOWEST, loss)]));
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), 0);
  return low < high ? [low, high] : [LOWEST, 1];
}

function panel(
  { name, losses, roughness }: NetworkLandscape,
  frame: Frame,
  radius: number,
  highest: number,
  heat: (loss: number) => number,
): string {
  const { left, top, right, bottom } = frame;
  const n = losses.length;
  const x = linearScale([0, n - 1], [left, right]);
  const y = linearScale([0, n - 1], [bottom, top]);
  const half = (right - left) / (n - 1) / 2;
  const cells = losses.flatMap((row, j) =>
    row.map((loss, i) => {
      if (loss === null) return "";
      // Outer cells are cut at the frame.
      const [x0, x1] = [x.at(i) - half, x.at(i) + half].map((at) => clamp(at, left, right));
      const [y0, y1] = [y.at(j) - half, y.at(j) + half].map((at) => clamp(at, top, bottom));
      const colour = heatColour(heat(Math.max(LOWEST, loss)));
      return `<rect x="${px(x0)}" y="${px(y0)}" width="${px(x1 - x0 + 0.4)}" height="${px(y1 - y0 + 0.4)}" fill="${colour}"/>`;
    }),
  );
  // What is not finite, or not there yet, counts as high as anything.
  const heights: Grid = losses.map((row) =>
    row.map((loss) => Math.log(Math.max(LOWEST, loss ?? highest))),
  );
  const lines = levels.map((level) => {
    const segments = contour(heights, Math.log(level)).map(
      ([[x0, y0], [x1, y1]]) => `M${px(x.at(x0))} ${px(y.at(y0))}L${px(x.at(x1))} ${px(y.at(y1))}`,
    );
    if (!segments.length) return "";
    return `<path d="${segments.join("")}" stroke="#1b1f24" stroke-width=".8" opacity=".7"><title>loss ${level.toPrecision(2)}</title></path>`;
  });
  const axis = (from: number, to: number, label: string): Axis => ({
    scale: { ...linearScale([-radius, radius], [from, to], 4) },
    label,
  });
  const note = roughness === null ? "" : `, roughness ${roughness.toPrecision(2)}`;
  const names = axes(frame, axis(left, right, ""), axis(bottom, top, `${name}${note}`));
  return names + cells.join("") + lines.join("");
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** From blue, low, to red; part: 0 to 1. */
function heatColour(part: number): string {
  const at = clamp(part, 0, 1);
  return `hsl(${Math.round(225 - 215 * at)} 75% ${Math.round(72 - 12 * at)}%)`;
}

/** Which loss a colour is. */
function colourKey(
  losses: readonly [number, number],
  { left, top, right }: Omit<Frame, "bottom">,
): string {
  const steps = 60;
  const width = (right - left) / steps;
  const bars = Array.from({ length: steps }, (_, i) => {
    const colour = heatColour((i + 0.5) / steps);
    return `<rect x="${px(left + i * width)}" y="${top}" width="${px(width + 0.4)}" height="10" fill="${colour}"/>`;
  });
  const scale = logScale(losses, [left, right]);
  const ticks = scale.ticks.map((tick) => text(scale.at(tick), top + 24, tick, "middle"));
  return `${text(left, top - 6, "loss")}${bars.join("")}${ticks.join("")}`;
}
