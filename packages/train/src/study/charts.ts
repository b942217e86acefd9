import { escapeHtml } from "../report/html.js";
import { difference, figure, intervalText } from "./figures.js";
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
    return found && cost.ops > 0 ? [{ variant, ...found, ops: cost.ops }] : [];
  });
  if (points.length < 2) return "";
  const [width, height, edge] = [700, 320, 50];
  const scale = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value: number) => from + ((to - from) * (value - low)) / (high - low || 1);
  };
  const x = scale(
    points.map(({ ops }) => Math.log(ops)),
    edge,
    width - 130,
  );
  const y = scale(
    points.flatMap(({ mean, deviation }) => [mean - (deviation ?? 0), mean + (deviation ?? 0)]),
    height - edge,
    20,
  );
  const drawn = points.map(({ variant, mean, deviation, ops }) => {
    const cx = x(Math.log(ops)).toFixed(1);
    const bar = deviation
      ? `<path d="M${cx} ${y(mean - deviation).toFixed(1)}V${y(mean + deviation).toFixed(1)}" stroke="#3b82f6"/>`
      : "";
    const title = `${variant}: ${figure(measure, mean)}, ${millions(ops)}`;
    return `<g><title>${escapeHtml(title)}</title>${bar}<circle cx="${cx}" cy="${y(mean).toFixed(1)}" r="4" fill="#3b82f6"/><text x="${Number(cx) + 8}" y="${(y(mean) + 4).toFixed(1)}">${escapeHtml(variant)}</text></g>`;
  });
  const by = (value: "ops" | "mean") => points.toSorted((a, b) => a[value] - b[value]);
  const [fewest, most] = [by("ops")[0], by("ops").at(-1)!];
  const [worst, best] = [by("mean")[0], by("mean").at(-1)!];
  const axis = [
    `<text x="${edge}" y="${height - 8}">${millions(fewest.ops)}</text>`,
    `<text x="${width - 130}" y="${height - 8}" text-anchor="middle">${millions(most.ops)}</text>`,
    `<text x="0" y="${(y(worst.mean) + 4).toFixed(1)}">${figure(measure, worst.mean)}</text>`,
    `<text x="0" y="${(y(best.mean) + 4).toFixed(1)}">${figure(measure, best.mean)}</text>`,
  ];
  return svg(width, height, drawn.join("") + axis.join(""));
}

const millions = (ops: number) => `${(ops / 1e6).toFixed(2)} M OPs`;

function svg(width: number, height: number, body: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" style="max-width:100%;font-size:12px" xmlns="http://www.w3.org/2000/svg">${body}</svg>`;
}
