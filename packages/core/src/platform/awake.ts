/** Longest that a timer can be set to, more or less. */
const LONG = 2 ** 30;

/**
 * Keeps Node's event loop going until the work is done. A loop without anything to do waits for all
 * threads that compile, and in Node 20 for ever where one of these waits for the loop to collect
 * garbage (NodePlatform::DrainTasks against CollectionBarrier::AwaitCollectionBackground).
 */
export async function awake<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, LONG);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
