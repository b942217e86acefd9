import { scatterChart } from "../drawing/scatter.js";
import { svg } from "../drawing/svg.js";
import { escapeHtml } from "../report/html.js";
import { difference, figure, intervalText, measureName } from "./figures.js";
import type { Measure } from "./study.js";
import type { StudyResult } from "./study-result.js";
import type { PairSummary } from "./summary.js";

const ROW = 26;
const LABEL = 230;
const PLOT = 480;

/** Differences with their intervals, one row each, on one scale around 0. */
export function intervalChart(pairs: readonly PairSummary[]): string {
  const known = pairs.filter(({ mean }) => mean !== null);
  if (!known.length) return "";
  const ends = known.flatMap(({ low, high, differences }) => [low ?? 0, high ?? 0, ...differences]);
  const reach = Math.max(1e-9, ...ends.map(Math.abs)) * 1.05;
  const x = (value: number) => (LABEL + PLOT * (0.5 + value / reach / 2)).toFixed(1);
  const rows = known.map((pair, i) => {
    const { from, to, measure, mean, low, high, differences } = pair;
    const y = ROW * (i + 0.5);
    const line =
      low === null
        ? ""
        : `<path d="M${x(low)} ${y}H${x(high!)}" stroke="#3b82f6" stroke-width="3"/>`;
    const dots = differences.map(
      (value) => `<circle cx="${x(value)}" cy="${y}" r="2.5" fill="#1b1f24" opacity=".45"/>`,
    );
    const title = `${to} less ${from}: ${difference(measure, mean)} (${intervalText(pair)})`;
    return `<g><title>${escapeHtml(title)}</title><text x="0" y="${y + 4}">${escapeHtml(`${to} - ${from}`)}</text>${line}${dots.join("")}<circle cx="${x(mean!)}" cy="${y}" r="5" fill="#3b82f6"/></g>`;
  });
  const height = ROW * known.length;
  const { measure } = known[0];
  const ticks = [-reach, 0, reach].map((value, i) => {
    const anchor = ["start", "middle", "end"][i];
    return `<text x="${x(value)}" y="${height + 16}" text-anchor="${anchor}">${difference(measure, value)}</text>`;
  });
  return svg(
    LABEL + PLOT,
    height + 22,
    `<path d="M${x(0)} 0V${height}" stroke="#b0b7bf"/>${rows.join("")}${ticks.join("")}`,
  );
}

/** Accuracy against operations (real MACs and 1-bit MACs / 64), the latter on a logarithmic scale. */
export function costChart({ variants, summary }: StudyResult, measure: Measure): string {
  const points = summary.variants.flatMap(({ variant, figures }) => {
    const found = figures[measure];
    const { cost } = variants.find(({ name }) => name === variant)!;
    if (!found || cost.ops <= 0) return [];
    return [{ name: variant, x: cost.ops, y: found.mean, deviation: found.deviation ?? 0 }];
  });
  if (points.length < 2) return "";
  return scatterChart({
    points,
    xLabel: "OPs",
    yLabel: measureName(measure),
    xWords: (ops) => `${(ops / 1e6).toPrecision(3)} M`,
    yWords: (value) => figure(measure, value),
  });
}
