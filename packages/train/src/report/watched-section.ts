import { type Column, escapeHtml, htmlTable, section } from "./html.js";
import type { WatchedLayers } from "./types.js";

type Layer = WatchedLayers["layers"][number];

const share = (value: number) => `${(100 * value).toPrecision(3)} %`;
const size = (value: number) => value.toPrecision(3);

/** Shares that are seldom small have one scale, from 0 to 1; others reach up to their own layer's highest. */
const figures = [
  { figure: "flipRate", title: "flips", text: share, top: undefined },
  { figure: "saturation", title: "saturation", text: share, top: 1 },
  { figure: "deadSigns", title: "dead signs", text: share, top: 1 },
  { figure: "gradientNorm", title: "gradient norm", text: size, top: undefined },
  { figure: "weightNorm", title: "weight norm", text: size, top: undefined },
] as const;

/** A row for each layer: how each figure went, and its last value. */
export function watchedSection({ steps, layers }: WatchedLayers): string {
  const columns: Column<Layer>[] = [
    ["layer", ({ name }) => escapeHtml(name)],
    ...figures.map(
      ({ figure, title, text, top }): Column<Layer> => [
        title,
        ({ figures: seen }) => {
          const values = seen[figure];
          const last = values?.findLast((value) => value !== null);
          if (!values || typeof last !== "number") return "";
          return `${sparkline(values, text, top)} ${text(last)}`;
        },
      ],
    ),
  ];
  const note = `<p>Over steps ${steps[0]} to ${steps[steps.length - 1]}, and at the last of them. Flips: share of the 1-bit weights with another sign than at the observation before.</p>`;
  return section("Layers", `<div class="scroll">${htmlTable(layers, columns)}</div>${note}`);
}

const [WIDTH, HEIGHT] = [90, 16];

function sparkline(
  values: readonly (number | null)[],
  text: (value: number) => string,
  top: number | undefined,
): string {
  const known = values.filter((value) => value !== null);
  const highest = top ?? Math.max(...known);
  const points = values.flatMap((value, i) => {
    if (value === null) return [];
    const x = (WIDTH * i) / Math.max(1, values.length - 1);
    const y = HEIGHT - 1 - (HEIGHT - 2) * (value / (highest || 1));
    return [`${x.toFixed(1)},${y.toFixed(1)}`];
  });
  const range = `${text(Math.min(...known))} to ${text(Math.max(...known))}`;
  return `<svg width="${WIDTH}" height="${HEIGHT}" style="vertical-align:middle"><title>${range}</title><polyline points="${points.join(" ")}" fill="none" stroke="#3b82f6" stroke-width="1.5"/></svg>`;
}
