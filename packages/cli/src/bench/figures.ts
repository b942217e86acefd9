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

export interface Inserted {
  readonly page: string;
  /** Names of parts that the page has no place for. */
  readonly homeless: readonly string[];
  /** Names of parts that stay as they were. */
  readonly old: readonly string[];
}

/** The page with these parts in their places; all else stays. OnebitError where a place does not end. */
export function insertFigures(page: string, figures: Figures): Inserted {
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
  const all = [...page.matchAll(/<!-- figures: (.+?) -->/g)].map(([, name]) => name);
  const old = all.filter((name) => !Object.hasOwn(figures, name));
  return { page: inserted, homeless, old };
}
