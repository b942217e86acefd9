import { OnebitError } from "onebit";
import { decodeImageFile } from "./decode.js";
import type { FileSplit, RawImage, Split } from "./split.js";

/** Image files, read and decoded each time they are asked for. */
export function fileSplit(portable: FileSplit): Split {
  const { paths, labels, channels } = portable;
  return {
    length: paths.length,
    portable,
    label: (i) => labels[i],
    source: (i) => paths[i],
    image: async (i) => withChannels(await decodeImageFile(paths[i]), channels, paths[i]),
  };
}

/** Grey becomes colour; colour among grey files is an error. */
function withChannels(image: RawImage, channels: 1 | 3, path: string): RawImage {
  if (image.channels === channels) return image;
  if (channels === 1) {
    throw new OnebitError(
      `${path}: is in colour, the other images are grey: convert it to grey, or all to colour`,
    );
  }
  const data = new Uint8Array(image.data.length * 3);
  for (let i = 0; i < image.data.length; i++) data.fill(image.data[i], i * 3, i * 3 + 3);
  return { ...image, data, channels };
}
