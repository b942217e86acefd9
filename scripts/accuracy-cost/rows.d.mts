export interface Row {
  readonly [column: string]: string;
}

export const TIMED: readonly string[];
export function rows(): Row[];
export function frontier(rows: readonly Row[]): string[];
export function tableRows(page: string, figures: string): Row[];
export function winners(rows: readonly Row[], column: string): Row[];
