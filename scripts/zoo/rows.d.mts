interface Row {
  readonly [column: string]: string;
}

export function networks(): string[];
export function facts(name: string): Row;
export function zooRows(page: string): Row[];
export const TIMED: readonly string[];
