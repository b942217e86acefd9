import { decodeImage } from "onebit/images";
import type { FileSplit, Split } from "./split.js";

/** Image files, read and decoded each time they are asked for. */
export function fileSplit(portable: FileSplit): Split {
  const { paths, labels } = portable;
  return {
    length: paths.length,
    portable,
    label: (i) => labels[i],
    source: (i) => paths[i],
    image: (i) => decodeImage(paths[i]),
  };
}
