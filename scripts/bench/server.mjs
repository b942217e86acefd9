import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ...{ ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" },
  ".wasm": "application/wasm",
};

/**
 * Serves files in memory by their paths, and folders by the first part of the path ("" for all others), with the
 * headers that threads need, and with versions that a cache can ask about. `close()` ends it.
 */
export async function serve(files, folders) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname).slice(1);
    const headers = {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      etag: `"${path}"`,
    };
    if (request.headers["if-none-match"] === headers.etag) {
      return response.writeHead(304, headers).end();
    }
    const body = files[path] ?? (await readFile(onDisk(path, folders)).catch(() => undefined));
    response.writeHead(body ? 200 : 404, headers).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

function onDisk(path, folders) {
  const [mount, ...rest] = path.split("/");
  return mount in folders ? join(folders[mount], ...rest) : join(folders[""], path);
}
