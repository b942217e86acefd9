/**
 * The first key that occurs twice in one object of a text that JSON.parse accepts; JSON.parse itself
 * would silently keep the last. Keys are compared after their escapes are resolved.
 */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;
  for (const [text, colon] of json.matchAll(token)) {
    if (text === "{") objects.push(new Set());
    else if (text === "}") objects.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(text.slice(0, -colon.length));
      const keys = objects[objects.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
