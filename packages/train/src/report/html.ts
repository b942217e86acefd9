import { visible } from "onebit";

const escapes: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control and bidirectional characters are written out: they could hide or turn what follows. */
export function escapeHtml(text: string | number): string {
  const lines = String(text)
    .split("\n")
    .map((line) => visible(line));
  return lines.join("\n").replace(/[&<>"']/g, (character) => escapes[character]);
}

/** JSON that is safe inside a <script> element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

export type Column<Row> = readonly [title: string, cell: (row: Row) => string];

/** Cells are HTML; escape what comes from outside. */
export function htmlTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const head = columns.map(([title]) => `<th>${escapeHtml(title)}</th>`).join("");
  const body = rows.map(
    (row) => `<tr>${columns.map(([, cell]) => `<td>${cell(row)}</td>`).join("")}</tr>`,
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}
