import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Pieces of code in a page of the documentation. */
export interface Listing {
  /** "js", "html", ...: "" where the page does not say. */
  readonly language: string;
  readonly code: string;
}

/** Those below a heading, up to the next; "" for those before the first of the second level. */
export function listings(page: string, heading: string): readonly Listing[] {
  const path = fileURLToPath(new URL(`../../docs/${page}`, import.meta.url));
  const sections = readFileSync(path, "utf8").split(/^## /m);
  const section =
    heading === "" ? sections[0] : sections.find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/${page} has no section "${heading}"`);
  return listingsIn(section);
}

/** All of a page. */
export function listingsIn(text: string): readonly Listing[] {
  const fences = text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fences].map(([, language, code]) => ({ language, code }));
}
