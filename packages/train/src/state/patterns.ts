/** Whether a key is what a pattern says, in which * stands for any characters, also none. */
export function matchesKey(pattern: string, key: string): boolean {
  const [first, ...rest] = pattern.split("*");
  if (!key.startsWith(first)) return false;
  if (!rest.length) return key === first;
  const last = rest.pop()!;
  let at = first.length;
  for (const part of rest) {
    const found = key.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return key.length - last.length >= at && key.endsWith(last);
}
