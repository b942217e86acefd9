import { OnebitError } from "onebit";

/** Values of a file that are not read: objects of foreign classes, above all. Nothing executes them. */
export interface Unread {
  /** Where and what; at most a thousand, one for all alike in one list. */
  readonly values: readonly UnreadValue[];
  /** How many there are altogether. */
  readonly count: number;
}

export interface UnreadValue {
  /** Dotted path of the first one, fit for a message; empty for the file itself. */
  readonly place: string;
  /** Its class, as Python names it (`argparse.Namespace`), or why it is not read. */
  readonly what: string;
  /** How many more of the kind stand beside it. */
  readonly more: number;
  /** True for a torch.nn.Module: a network, but with code. */
  readonly isModule: boolean;
}

export const nothingUnread: Unread = { values: [], count: 0 };

/** "left unread: args (argparse.Namespace)"; undefined where everything was read. */
export function unreadNote({ values, count }: Unread): string | undefined {
  if (count === 0) return undefined;
  const shown = values.slice(0, 6);
  const named = shown.map(({ place, what, more }) => {
    return `${place || "the file"}${more ? ` and ${more} like it` : ""} (${what})`;
  });
  const rest = count - shown.reduce((sum, { more }) => sum + 1 + more, 0);
  return `left unread: ${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** Why no weights are found, where an object that would need its code stands in their place. */
export function unreadObject({ place, what, isModule }: UnreadValue): OnebitError {
  const where = place === "" ? "the file" : place;
  const kind = isModule ? "a whole network with its code" : "an object with code";
  const variable = isModule && place ? `checkpoint["${place}"]` : "net";
  return new OnebitError(
    `${where} holds ${kind} (class ${what}), which onebit never runs: load the file in PyTorch and save only the weights, torch.save(${variable}.state_dict(), "weights.pth")`,
  );
}
