import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { safetensorsHead } from "../file/safetensors.js";
import { meanModel } from "../test-support/mean-model.js";
import { readSource } from "./source.js";

let bytes: Uint8Array;
let folder: string;
let server: Server;
let origin: string;
let bomb: Uint8Array;
/** Bytes that the server has sent of an endless body. */
let sent = 0;

/** A header that claims so many bytes of data. */
const claim = (size: number) =>
  safetensorsHead({ metadata: { onebit: "{}" }, tensors: { w: { dtype: "U8", shape: [size] } } });

const pageText = "<!DOCTYPE html><title>sign in</title>";

const answers: { readonly [path: string]: (response: ServerResponse) => void } = {
  "/good": (response) => response.end(bytes),
  "/gzip": (response) => encoded(response, gzipSync(bytes)),
  "/gzip-bomb": (response) => encoded(response, bomb),
  "/moved": (response) => response.writeHead(302, { location: "/good" }).end(),
  "/round": (response) => response.writeHead(302, { location: "/round" }).end(),
  "/gone": (response) => response.writeHead(410).end("gone"),
  "/page": (response) => response.writeHead(200, { "content-type": "text/html" }).end(pageText),
  "/page-as-bytes": (response) => response.end(`\n  ${pageText}`),
  "/empty": (response) => response.end(),
  "/few": (response) => response.end(bytes.subarray(0, 5)),
  "/cut": (response) => response.end(bytes.subarray(0, bytes.length - 7)),
  "/cut-header": (response) => response.end(bytes.subarray(0, 100)),
  "/broken": (response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 100), () => response.destroy());
  },
  "/endless": (response) => {
    response.write(bytes);
    pour(response);
  },
  "/zeros": pour,
  "/float-model": (response) => {
    response.write(
      safetensorsHead({ metadata: {}, tensors: { w: { dtype: "F32", shape: [1e9] } } }),
    );
    pour(response);
  },
  "/large": (response) => response.end(claim(3 * 2 ** 30)),
  "/mute": () => {},
  "/silent": (response) => response.write(bytes.subarray(0, 100)),
  "/slow": (response) => {
    let at = 0;
    const step = Math.ceil(bytes.length / 8);
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, at + step));
      at += step;
      if (at < bytes.length) return;
      clearInterval(timer);
      response.end();
    }, 150);
  },
};

function encoded(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { "content-encoding": "gzip" }).end(body);
}

function pour(response: ServerResponse): void {
  const piece = Buffer.alloc(2 ** 16);
  const more = () => {
    while (!response.destroyed) {
      sent += piece.length;
      if (!response.write(piece)) return;
    }
  };
  response.on("drain", more);
  more();
}

beforeAll(async () => {
  bytes = await meanModel();
  bomb = gzipSync(Buffer.concat([bytes, Buffer.alloc(2 ** 26)]));
  folder = await mkdtemp(join(tmpdir(), "onebit-source-"));
  server = createServer((request, response) => answers[request.url!](response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

describe("a URL", () => {
  it.each(["/good", "/gzip", "/moved", "/slow"])("%s gives the file", async (path) => {
    const seen: (number | undefined)[] = [];
    const progress = (loaded: number, total?: number) => seen.push(loaded, total);
    const read = await readSource(origin + path, { progress, timeout: 1000 });
    expect(Buffer.from(read).equals(bytes)).toBe(true);
    expect(seen.slice(-2)).toEqual([bytes.length, bytes.length]);
  });

  it.each([
    ["/round", /cannot be fetched: redirect count exceeded/],
    ["/gone", /the server answers 410 Gone$/],
    ["/page", /not a safetensors file/],
    ["/page-as-bytes", /not a safetensors file/],
    ["/empty", /shorter than 8 bytes/],
    ["/few", /shorter than 8 bytes/],
    ["/cut", /cut off: 7 of \d+ bytes are missing/],
    ["/cut-header", /cut off: \d+ of \d+ bytes are missing/],
    ["/broken", /broke off after 100 of \d+ bytes: ./],
    ["/endless", /more bytes than the \d+ that its header says/],
    ["/gzip-bomb", /more bytes than the \d+ that its header says/],
    ["/zeros", /a header of 0 bytes/],
    ["/float-model", /a safetensors file, but not a packed network/],
    ["/large", /3.0 GiB: packed networks have less than 2 GiB/],
    ["/mute", /nothing has arrived for 0.2 s \(option timeout\)/],
    ["/silent", /nothing has arrived for 0.2 s/],
  ])("%s is refused in words", async (path, message) => {
    sent = 0;
    const timeout = path === "/mute" || path === "/silent" ? 200 : 20_000;
    const failing = readSource(origin + path, { timeout });
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(OnebitError);
    await expect(failing).rejects.toThrow(origin + path);
    // What buffers on the way hold, no more.
    expect(sent).toBeLessThan(2 ** 25);
  });

  it.each([
    ["http://nowhere.invalid/x.onebit", /cannot be fetched: .*ENOTFOUND|EAI_AGAIN/],
    ["http://127.0.0.1:9/x.onebit", /cannot be fetched: ./],
    ["gopher://127.0.0.1/x.onebit", /cannot be fetched: ./],
    ["http://[/x.onebit", /cannot be fetched: ./],
    ["data:,hello%20world", /not a safetensors file/],
  ])("%s is refused in words", async (url, message) => {
    const failing = readSource(url);
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(OnebitError);
  });

  it.each(["/mute", "/silent"])("%s ends with the signal's reason", async (path) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort("enough"), 50);
    await expect(readSource(origin + path, { signal: controller.signal })).rejects.toBe("enough");
  });
});

describe.skipIf(process.platform === "win32")("a path", () => {
  const pipe = async () => {
    const path = join(folder, `pipe-${Math.random()}`);
    await promisify(execFile)("mkfifo", [path]);
    return path;
  };

  it("may be a pipe", async () => {
    const path = await pipe();
    const reading = readSource(path, { timeout: 5000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const writer = await open(path, "w");
    for (let at = 0; at < bytes.length; at += 500) {
      await writer.write(bytes.subarray(at, at + 500));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await writer.close();
    expect(Buffer.from(await reading).equals(bytes)).toBe(true);
  });

  it("that is a pipe without a writer, or a silent one, is not waited for too long", async () => {
    const path = await pipe();
    const message = /nothing has arrived for 0.1 s/;
    await expect(readSource(path, { timeout: 100 })).rejects.toThrow(message);
    const writer = await open(path, "r+");
    await writer.write(bytes.subarray(0, 50));
    await expect(readSource(path, { timeout: 100 })).rejects.toThrow(message);
    const signal = AbortSignal.timeout(50);
    await expect(readSource(path, { signal })).rejects.toMatchObject({ name: "TimeoutError" });
    await writer.close();
  });

  it.each([
    ["/dev/zero", /a header of 0 bytes/],
    ["/dev/null", /shorter than 8 bytes/],
    ["/proc/cpuinfo", /not a safetensors file/],
    ["/proc", /is a folder, not a file/],
    ["", /there is no such file/],
    ["\0", /null bytes/],
    ["/dev/null/x", /ENOTDIR/],
  ])("%j is refused in words", async (path, message) => {
    const failing = readSource(path);
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(OnebitError);
  });

  it("to a file over 2 GiB is refused by its start", async () => {
    const path = join(folder, "sparse.onebit");
    for (const [start, message] of [
      [claim(5 * 2 ** 30), /sparse.onebit: 5.0 GiB: packed networks have less than 2 GiB/],
      [new Uint8Array(8), /a header of 0 bytes in a file of/],
    ] as const) {
      await writeFile(path, start);
      await truncate(path, start.length + 5 * 2 ** 30);
      const failing = readSource(path);
      await expect(failing).rejects.toThrow(message);
      await expect(failing).rejects.toThrow(OnebitError);
    }
  });

  it("to a file that grows gives what was there", async () => {
    const path = join(folder, "growing.onebit");
    await writeFile(path, bytes);
    const reading = readSource(path);
    await appendFile(path, "more");
    const { length } = await reading;
    expect([bytes.length, bytes.length + 4]).toContain(length);
  });
});

describe("bytes", () => {
  const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

  it("are taken from any view or buffer, shared or resizable ones as copies", async () => {
    const pool = Buffer.from(bytes);
    const shifted = new Uint8Array([9, ...bytes, 9]).subarray(1, -1);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    // @ts-expect-error: the library of types is older
    const resizable = new ArrayBuffer(bytes.length, { maxByteLength: bytes.length });
    new Uint8Array(resizable).set(bytes);
    const view = new DataView(shifted.buffer, 1, bytes.length);
    const plain = bytes.slice().buffer as ArrayBuffer;
    const blob = new Blob([plain]);
    const sources = [pool, shifted, shared, shared.buffer, resizable, view, plain, blob];
    for (const source of sources) {
      const read = await readSource(source);
      expect(digest(read)).toBe(digest(bytes));
      expect(read.buffer).toBeInstanceOf(ArrayBuffer);
    }
    expect((await readSource(pool)).buffer).toBe(pool.buffer);
  });

  it("that went away, or blobs that are something else, are refused", async () => {
    const gone = bytes.slice();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await expect(readSource(gone)).rejects.toThrow(/no bytes \(were they transferred/);
    await expect(readSource(gone.buffer as ArrayBuffer)).rejects.toThrow(OnebitError);
    await expect(readSource(new Blob([]))).rejects.toThrow(/^model: .*shorter than 8 bytes/);
    await expect(readSource(new Blob(["some text that is long"]))).rejects.toThrow(OnebitError);
  });

  it.each([
    [undefined, /not from undefined/],
    [null, /not from null/],
    [[1, 2], /not from a list/],
    [{}, /not from an empty object/],
    [Promise.resolve(), /not from a Promise: await it first/],
    [new Response(""), /not from a Response/],
  ])("%s is none", async (source, message) => {
    await expect(readSource(source as never)).rejects.toThrow(message);
    await expect(readSource(source as never)).rejects.toThrow(UsageError);
  });
});
