import { escapeHtml } from "../report/html.js";
import type { Scale } from "./scale.js";

/** Of series and groups, in order. */
export const COLOURS: readonly string[] = [
  ...["#3b82f6", "#d64545", "#22a06b", "#a855f7", "#f59e0b"],
  ...["#0891b2", "#db2777", "#65a30d", "#78716c", "#4338ca"],
];

export const colourOf = (index: number): string => COLOURS[index % COLOURS.length];

/** A drawing that stands in a page or, with a title, in a file of its own. */
export function svg(width: number, height: number, body: string, title?: string): string {
  const style = "max-width:100%;background:#fff;font:12px system-ui,sans-serif";
  const named = title === undefined ? "" : `<title>${escapeHtml(title)}</title>`;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" style="${style}" xmlns="http://www.w3.org/2000/svg">${named}${body}</svg>`;
}

/** Pixels to a tenth. */
export const px = (value: number): string => String(Number(value.toFixed(1)));

/** Escaped; `anchor` says which part of it lies at x. */
export function text(
  x: number,
  y: number,
  words: string | number,
  anchor: "start" | "middle" | "end" = "start",
): string {
  const side = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text x="${px(x)}" y="${px(y)}"${side}>${escapeHtml(words)}</text>`;
}

/** A part of a drawing that says what it is where a pointer rests on it. */
export function titled(title: string, body: string): string {
  return `<g><title>${escapeHtml(title)}</title>${body}</g>`;
}

/** The rectangle of a plot, in pixels. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Axis {
  readonly scale: Scale;
  readonly label: string;
  /** How a tick is written; default: as a number. */
  readonly words?: (value: number) => string;
}

/** Border, ticks with thin lines across, and the names of both axes. */
export function axes({ left, top, right, bottom }: Frame, x: Axis, y: Axis): string {
  const write = ({ words = String }: Axis, tick: number) => words(tick);
  const across = x.scale.ticks.map((tick) => {
    const at = x.scale.at(tick);
    return `<path d="M${px(at)} ${top}V${bottom}" stroke="#e5e7eb"/>${text(at, bottom + 15, write(x, tick), "middle")}`;
  });
  const up = y.scale.ticks.map((tick) => {
    const at = y.scale.at(tick);
    return `<path d="M${left} ${px(at)}H${right}" stroke="#e5e7eb"/>${text(left - 5, at + 4, write(y, tick), "end")}`;
  });
  const border = `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#9ca3af"/>`;
  const names = [
    text((left + right) / 2, bottom + 32, x.label, "middle"),
    text(left, top - 8, y.label),
  ];
  return [...across, ...up, border, ...names].join("");
}

/** Names of series beside their colours, one below the other. */
export function legend(x: number, y: number, names: readonly string[]): string {
  const rows = names.map((name, i) => {
    const at = y + 18 * i;
    return `<rect x="${px(x)}" y="${px(at - 9)}" width="10" height="10" fill="${colourOf(i)}"/>${text(x + 15, at, name)}`;
  });
  return rows.join("");
}
