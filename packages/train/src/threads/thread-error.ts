import { OnebitError } from "onebit";

/** An error on its way from one thread to another. */
export interface ThreadError {
  readonly message: string;
  readonly stack?: string;
  /** Whether it was a OnebitError: something to tell the user, not a bug. */
  readonly expected: boolean;
}

export function pack(error: unknown): ThreadError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack, expected: error instanceof OnebitError };
}

export function unpack({ message, stack, expected }: ThreadError): Error {
  if (expected) return new OnebitError(message);
  const error = new Error(message);
  error.stack = stack;
  return error;
}
