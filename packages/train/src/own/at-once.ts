/**
 * What somebody's code gives that has to answer at once. Should it give a promise, that is refused by whoever asked,
 * and what it says later is nobody's: unheard, it would end the process.
 */
export function atOnce<T>(ask: () => T): T {
  const given = ask();
  if (given instanceof Promise) given.catch(() => undefined);
  return given;
}
