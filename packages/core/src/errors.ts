/** A failure that a user can act on: what was wrong, where, and what to do. */
export class OnebitError extends Error {
  override name = "OnebitError";
}

/** The caller asked for something that does not exist or does not fit: exit status 2 on the command line. */
export class UsageError extends OnebitError {
  override name = "UsageError";
}
