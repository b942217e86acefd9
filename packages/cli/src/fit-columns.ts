/** Columns that stand side by side, by number, and how wide each is. */
export interface ColumnGroup {
  readonly columns: readonly number[];
  readonly widths: readonly number[];
}

/** A column of a table: its title and cells; text may be broken into lines between words. */
export interface Column {
  readonly cells: readonly string[];
  readonly isText: boolean;
}

/** Spaces between two columns. */
export const GAP = 2;
/** Narrower text is hard to read. */
const LEAST_TEXT = 20;

/**
 * How a table fits a terminal of `width` characters: as it is; else with its texts broken into lines; else in
 * groups of columns below each other, each begun by the first column. A cell without spaces is never cut, so
 * that a group may be wider still.
 */
export function fitColumns(columns: readonly Column[], width: number): ColumnGroup[] {
  const natural = columns.map(({ cells }) => Math.max(0, ...cells.map(textWidth)));
  const least = columns.map(({ cells, isText }, i) =>
    isText ? Math.min(natural[i], Math.max(LEAST_TEXT, longestWord(cells))) : natural[i],
  );
  return grouped(least, width).map((group) => ({
    columns: group,
    widths: narrowed(group, natural, least, width),
  }));
}

/** As many columns in each group as fit at their least. */
function grouped(least: readonly number[], width: number): number[][] {
  const groups = [[0]];
  for (let i = 1; i < least.length; i++) {
    const group = groups[groups.length - 1];
    const fits = total([...group, i].map((k) => least[k])) <= width;
    if (fits || group.length === 1) group.push(i);
    else groups.push([0, i]);
  }
  return groups;
}

/** The widest that can give way does, until all fit. */
function narrowed(
  group: readonly number[],
  natural: readonly number[],
  least: readonly number[],
  width: number,
): number[] {
  const widths = group.map((i) => natural[i]);
  while (total(widths) > width) {
    const spare = widths.map((wide, k) => (wide > least[group[k]] ? wide : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) return widths;
    widths[widest]--;
  }
  return widths;
}

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width + GAP, -GAP);

const longestWord = (cells: readonly string[]): number =>
  Math.max(0, ...cells.flatMap((cell) => cell.split(" ")).map(textWidth));

/** Characters of East Asian scripts and emoji are two wide. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/gu;

function textWidth(text: string): number {
  return [...text].length + (text.match(WIDE)?.length ?? 0);
}
