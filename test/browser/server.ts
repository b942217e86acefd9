import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

export interface StaticServer {
  /** "http://127.0.0.1:<port>" */
  readonly origin: string;
  /** Paths that were asked for, each once. */
  readonly requested: ReadonlySet<string>;
  close(): Promise<void>;
}

const TYPES: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Serves folders by the first part of the path, "" all others, on a free port of this machine. Isolated: with the
 * headers that SharedArrayBuffer, and so threads, need.
 */
export async function serve(
  folders: { readonly [mount: string]: string },
  { isolated }: { readonly isolated: boolean },
): Promise<StaticServer> {
  const requested = new Set<string>();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = decodeURIComponent(pathname).replace(/\/$/, "/index.html");
    requested.add(path);
    const parts = normalize(path).split("/").slice(1);
    const mount = parts[0] in folders ? parts.shift()! : "";
    const headers = {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      ...(isolated && {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      }),
    };
    try {
      const body = await readFile(join(folders[mount], ...parts));
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end(`no ${path}`);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requested,
    close: async () => {
      // A tab that stays open keeps its connections.
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
