import { classOf } from "../../describe.js";
import {
  checkPicture,
  isPicture,
  type PictureLike,
  type TakenFrame,
  unreadable,
} from "../../platform/picture.js";
import { canDecode, type ImageList, nameOfImage, pixelsOf } from "../image-input.js";
import { explained } from "../refused.js";

/** Images for a worker, and what of them moves there. */
export interface Sent {
  readonly list: readonly unknown[];
  readonly transfer: Transferable[];
}

/**
 * Images as they are now, in a form that can go to a worker: elements of the page as bitmaps; what the caller
 * keeps is copied, what is given away (transfer) moves. Errors as of classify().
 */
export async function sendable({ list, single, transfer = false }: ImageList): Promise<Sent> {
  const moved: Transferable[] = [];
  const send = async (image: unknown, n: number) => {
    const where = nameOfImage(single, n);
    if (canDecode(image)) return image;
    if (!isDrawn(image)) return withOwnMemory(pixelsOf(image, where), transfer, moved);
    const taken = await take(image, transfer, where);
    moved.push("bitmap" in taken ? (taken.bitmap as ImageBitmap) : (taken as ImageBitmap));
    return taken;
  };
  const sent = await explained(Promise.all(list.map(send)));
  // What is given twice moves once.
  return { list: sent, transfer: [...new Set(moved)] };
}

/** Bitmaps and frames that came to this thread. */
export function closeImages(list: readonly unknown[]): void {
  for (const image of list) {
    const { bitmap = image } = image as Partial<TakenFrame>;
    (bitmap as Partial<ImageBitmap>).close?.();
  }
}

function isDrawn(image: unknown): image is PictureLike {
  if (typeof image !== "object" || image === null || "data" in image) return false;
  return isPicture(image);
}

type Pixels = ReturnType<typeof pixelsOf>;

function withOwnMemory(pixels: Pixels, give: boolean, moved: Transferable[]): Pixels {
  const { buffer, byteLength } = pixels.data;
  const whole = classOf(buffer) === "ArrayBuffer" && buffer.byteLength === byteLength;
  const data = give && whole ? pixels.data : pixels.data.slice();
  moved.push(data.buffer as ArrayBuffer);
  return { ...pixels, data };
}

/** A picture as something that can move to another thread. */
async function take(
  picture: PictureLike,
  give: boolean,
  where: string,
): Promise<ImageBitmap | VideoFrame | TakenFrame> {
  const size = checkPicture(picture, where);
  try {
    if (give && "close" in picture) return picture as ImageBitmap;
    if ("displayWidth" in picture) return (picture as VideoFrame).clone();
    const bitmap = await ("naturalWidth" in picture
      ? drawn(picture as HTMLImageElement, size)
      : createImageBitmap(picture as ImageBitmap));
    // A bitmap of another origin may not move: this tells.
    const own = structuredClone(bitmap, { transfer: [bitmap] });
    if (!("videoWidth" in picture)) return own;
    const { readyState, videoWidth, videoHeight } = picture;
    return { readyState, videoWidth, videoHeight, bitmap: own };
  } catch (error) {
    throw unreadable(picture, error as Error, where);
  }
}

/** Of an SVG that has no size of its own browsers make no bitmap, but draw it. */
async function drawn(image: HTMLImageElement, [width, height]: Size): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(image).catch(() => undefined);
  if (bitmap?.width === width && bitmap.height === height) return bitmap;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(image, 0, 0, width, height);
  return canvas.transferToImageBitmap();
}

type Size = readonly [width: number, height: number];
