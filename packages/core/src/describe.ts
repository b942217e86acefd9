/** The class of a value, whichever window or realm it comes from: "Promise", "Uint8Array", "Null". */
export function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** What a value is, in the words of an error message. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "object":
      return value === null ? "null" : describeObject(value);
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
    case "function":
      return "a function";
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  const name = classOf(value);
  if (name !== "Object") return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty object" : `an object { ${keys.slice(0, 6).join(", ")} }`;
}
