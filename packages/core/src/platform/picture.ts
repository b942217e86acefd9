import { OnebitError } from "../errors.js";

/**
 * What a browser can draw, told by its properties so that no library of types is needed. Read at its
 * own size: that of the file or frame, whatever the page shows it at.
 */
export type PictureLike = BitmapLike | CanvasLike | ImageElementLike | VideoLike | VideoFrameLike;

/** A decoded picture: an ImageBitmap. */
export interface BitmapLike {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** A canvas of a page, or an OffscreenCanvas. */
export interface CanvasLike {
  readonly width: number;
  readonly height: number;
  getContext(kind: never): unknown;
}

/** An <img>. */
export interface ImageElementLike {
  readonly complete: boolean;
  readonly naturalWidth: number;
  readonly naturalHeight: number;
}

/** A <video>: its current frame. */
export interface VideoLike {
  readonly readyState: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
}

/** A frame of a video, taken as a bitmap. */
export interface TakenFrame extends VideoLike {
  readonly bitmap: BitmapLike;
}

export interface VideoFrameLike {
  readonly displayWidth: number;
  readonly displayHeight: number;
  close(): void;
}

/** A video's readyState from which on there is a frame to draw. */
const HAVE_CURRENT_DATA = 2;

export const hasFrame = ({ readyState }: VideoLike) => readyState >= HAVE_CURRENT_DATA;

export function isPicture(value: object): value is PictureLike {
  if ("naturalWidth" in value || "videoWidth" in value || "displayWidth" in value) return true;
  return "width" in value && ("getContext" in value || "close" in value);
}

/** As an ImageData has them. */
export interface PicturePixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Pixels of a picture, RGBA, alpha not multiplied in. `where`: what to call it in errors. */
export function picturePixels(picture: PictureLike, where: string): PicturePixels {
  const fail = (what: string, cause?: unknown) => new OnebitError(`${where}: ${what}`, { cause });
  const [width, height] = checkPicture(picture, where);
  const drawn = "bitmap" in picture ? (picture as TakenFrame).bitmap : picture;
  const context = drawing(width, height);
  const noCanvas = () =>
    fail(`no canvas of ${width}x${height} here to read it; give pixels { data, width, height }`);
  if (!context) throw noCanvas();
  let pixels: ImageData;
  let takesInk = true;
  try {
    context.drawImage(drawn as ImageBitmap, 0, 0, width, height);
    pixels = context.getImageData(0, 0, width, height);
    if (pixels.data.some((byte) => byte > 0)) return pixels;
    takesInk = isInked(context);
  } catch (error) {
    throw unreadable(picture, error as Error, where);
  }
  if (!takesInk) throw noCanvas();
  if ("readyState" in picture) throw noFrame(where);
  return pixels;
}

/** Whether a canvas shows what is drawn: browsers give larger ones than they draw on, and stay silent. */
function isInked(context: OffscreenCanvasRenderingContext2D): boolean {
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data[3] > 0;
}

/** Browsers tell that a video has data some time before they can draw a frame of it. */
export const noFrame = (where: string) => new OnebitError(`${where}: ${NO_FRAME}`);

const NO_FRAME = "has no frame yet: wait for its requestVideoFrameCallback() first";

/** Its size. OnebitError where there is nothing to draw. */
export function checkPicture(
  picture: PictureLike,
  where: string,
): readonly [width: number, height: number] {
  const [width, height] = sizeOf(picture);
  const missing = emptiness(picture, width * height);
  if (missing) throw new OnebitError(`${where}: ${missing}`);
  return [width, height];
}

/** Why a browser does not give the pixels of a picture, as it says when it is asked for them. */
export function unreadable(picture: PictureLike, cause: Error, where: string): OnebitError {
  const because = () => {
    if (cause.name === "SecurityError" || cause.name === "DataCloneError") return FOREIGN;
    const isEarly = "videoWidth" in picture && cause.name === "InvalidStateError";
    return isEarly ? NO_FRAME : `cannot be drawn: ${cause.message}`;
  };
  return new OnebitError(`${where}: ${because()}`, { cause });
}

const FOREIGN =
  'comes from another origin, and a page may not read its pixels: load it with crossorigin="anonymous" from a server that allows it (CORS)';

function sizeOf(picture: PictureLike): [width: number, height: number] {
  if ("naturalWidth" in picture) return [picture.naturalWidth, picture.naturalHeight];
  if ("videoWidth" in picture) return [picture.videoWidth, picture.videoHeight];
  if ("displayWidth" in picture) return [picture.displayWidth, picture.displayHeight];
  return [picture.width, picture.height];
}

/** Why there is nothing to draw. */
function emptiness(picture: PictureLike, pixels: number): string | undefined {
  if ("complete" in picture && !picture.complete) {
    return "has not loaded yet: await image.decode() first";
  }
  if ("readyState" in picture && !hasFrame(picture)) {
    return "has no frame yet: wait for the video's event loadeddata first";
  }
  if (pixels > 0) return undefined;
  if ("naturalWidth" in picture) {
    return "is broken, or has no size of its own (an SVG without width and height)";
  }
  return "close" in picture ? "has been closed" : "has no pixels";
}

function drawing(width: number, height: number): OffscreenCanvasRenderingContext2D | null {
  if (typeof OffscreenCanvas === "undefined") return null;
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}
