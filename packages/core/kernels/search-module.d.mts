/** The module in base64. */
export function searchModule(): Promise<string>;
