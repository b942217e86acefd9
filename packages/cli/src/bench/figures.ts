import { OnebitError } from "onebit";

/** Parts of a page that a command writes, by name. */
export type Figures = { readonly [name: string]: string };

const opening = (name: string) => `<!-- figures: ${name} -->`;
const CLOSING = "<!-- /figures -->";

/** One part, as it stands in a page. */
export function marked(name: string, text: string): string {
  return `${opening(name)}\n\n${text}\n\n${CLOSING}`;
}

/** Whether a page has places for figures. */
export function hasPlaces(page: string): boolean {
  return page.includes(CLOSING);
}

/**
 * The page with these parts in their places; all else stays. `homeless`: names of parts that it has no
 * place for. OnebitError where a place does not end.
 */
export function insertFigures(
  page: string,
  figures: Figures,
): { readonly page: string; readonly homeless: readonly string[] } {
  let inserted = page;
  const homeless: string[] = [];
  for (const [name, text] of Object.entries(figures)) {
    const start = inserted.indexOf(opening(name));
    if (start < 0) {
      homeless.push(name);
      continue;
    }
    const end = inserted.indexOf(CLOSING, start);
    const next = inserted.indexOf("<!-- figures:", start + 1);
    if (end < 0 || (next >= 0 && next < end)) {
      throw new OnebitError(`the page has ${opening(name)} without ${CLOSING} behind it`);
    }
    inserted = inserted.slice(0, start) + marked(name, text) + inserted.slice(end + CLOSING.length);
  }
  return { page: inserted, homeless };
}
