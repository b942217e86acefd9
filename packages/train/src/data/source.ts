import { stat } from "node:fs/promises";
import type { Dataset, DatasetOptions } from "./dataset.js";

/** One way of keeping data, in a file of its own: what `--data KIND:ADDRESS` opens. */
export interface DataSource {
  readonly kind: string;
  /** What follows the colon, such as DIR; absent where nothing does. */
  readonly address?: string;
  /** Whether something lies at the address. Default: whether it is a folder. */
  isThere?(address: string): Promise<boolean>;
  /** Makes as many images as are asked for; of others those are chosen afterwards. */
  readonly generates?: boolean;
  open(spec: string, address: string, options: DatasetOptions): Promise<Dataset>;
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
