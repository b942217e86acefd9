/** Names of pictures that can be decoded; the first bytes decide, not the name. */
export const IMAGE_EXTENSIONS: readonly string[] =
  ".jpg .jpeg .png .webp .avif .gif .tif .tiff .jpe .jfif".split(" ");

/** Pictures too, but such as cannot be decoded: to be named, not passed over. */
const OTHER_PICTURES: readonly string[] =
  ".bmp .dib .pbm .pgm .ppm .pnm .heic .heif .jp2 .j2k .jxl .ico".split(" ");

/** Whether a file of this name is a picture, one that can be decoded or not. */
export function isPicture(name: string): boolean {
  const extension = /\.[^.]*$/.exec(name.toLowerCase())?.[0] ?? "";
  return IMAGE_EXTENSIONS.includes(extension) || OTHER_PICTURES.includes(extension);
}
