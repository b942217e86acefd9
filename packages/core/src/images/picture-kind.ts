/** What the first bytes of a file say that it is, whatever its name. */
export interface PictureKind {
  /** As it stands in a message: "a BMP picture". */
  readonly what: string;
  /** Whether it is a picture that can be decoded. */
  readonly isRead: boolean;
}

/** Hexadecimal bytes, "??" for any, or plain text; read at the start of the file. */
const READ: readonly [what: string, ...starts: string[]][] = [
  ["a JPEG picture", "ff d8 ff"],
  ["a PNG picture", "89 50 4e 47 0d 0a 1a 0a"],
  ["a GIF picture", text("GIF8")],
  ["a WebP picture", `${text("RIFF")} ?? ?? ?? ?? ${text("WEBP")}`],
  ["a TIFF picture", "49 49 2a 00", "4d 4d 00 2a", "49 49 2b 00", "4d 4d 00 2b"],
];

const OTHERS: readonly [what: string, ...starts: string[]][] = [
  ["a BMP picture", text("BM")],
  ["a PNM picture (PBM, PGM or PPM)", ...[1, 2, 3, 4, 5, 6, 7].map((n) => text(`P${n}`))],
  ["a JPEG 2000 picture", "00 00 00 0c 6a 50 20 20", "ff 4f ff 51"],
  ["a JPEG XL picture", "ff 0a", "00 00 00 0c 4a 58 4c 20"],
  ["an icon (ICO)", "00 00 01 00"],
  ["a Photoshop picture", text("8BPS")],
  ["an OpenEXR picture", "76 2f 31 01"],
  ["a drawing (SVG), which has no pixels", text("<svg"), text("<?xml")],
  ["a PDF document", text("%PDF")],
  ["a web page", text("<!DOCTYPE"), text("<!doctype"), text("<html")],
  ["a pointer of Git LFS, whose file was not fetched", text("version https://git-lfs")],
  ["a side file of macOS (AppleDouble)", "00 05 16 07"],
];

function text(ascii: string): string {
  return Array.from(ascii, (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0")).join(
    " ",
  );
}

/** undefined: none of those that are known. */
export function pictureKind(bytes: Uint8Array): PictureKind | undefined {
  if (bytes.length === 0) return { what: "empty", isRead: false };
  const container = isoContainer(bytes);
  if (container) return container;
  for (const [isRead, kinds] of [[true, READ] as const, [false, OTHERS] as const]) {
    const found = kinds.find(([, ...starts]) => starts.some((start) => begins(bytes, start)));
    if (found) return { what: found[0], isRead };
  }
  return undefined;
}

function begins(bytes: Uint8Array, start: string): boolean {
  const wanted = start.split(" ");
  return wanted.every((byte, i) => byte === "??" || bytes[i] === Number.parseInt(byte, 16));
}

/** AVIF and HEIC share a container, whose brands tell them apart. */
function isoContainer(bytes: Uint8Array): PictureKind | undefined {
  if (!begins(bytes.subarray(4), text("ftyp"))) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const brands = String.fromCharCode(...bytes.subarray(8, Math.min(length, 256)));
  if (/avif|avis/.test(brands)) return { what: "an AVIF picture", isRead: true };
  const isHeic = /hei[cxms]|hev[cxms]|mif1|msf1/.test(brands);
  return { what: isHeic ? "a HEIC picture" : "a video", isRead: false };
}
