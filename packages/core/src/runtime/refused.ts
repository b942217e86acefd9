import { UsageError } from "../errors.js";

/** An input that cannot be used. The words that say why are loaded where somebody waits for them: `explained`. */
export class Refused extends UsageError {
  constructor(
    where: string,
    readonly words: () => Promise<string>,
  ) {
    super(`${where}: cannot be used`);
  }
}

/** The promise, which says why an input was refused. */
export function explained<T>(job: Promise<T>): Promise<T> {
  return job.catch(async (error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    throw new UsageError(
      // What cannot be loaded leaves what is known without it.
      await error.words().catch(() => error.message),
    );
  });
}
