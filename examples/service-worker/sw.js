// Keeps the page and the library; load() keeps the network itself (cache: true), in a cache of its own.
const KEPT = ["./", "../../packages/core/dist/onebit.standalone.js"];
const CACHE = "page-1";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("page-") && name !== CACHE);
  event.waitUntil(
    caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))),
  );
});

/** What the network has, as long as there is one. */
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const isKept = KEPT.some(
    (path) => new URL(path, location.href).href === request.url.replace(/index\.html$/, ""),
  );
  if (request.method !== "GET" || !isKept) return;
  event.respondWith(
    fetch(request).catch(() =>
      caches.match(request, { ignoreSearch: true }).then((kept) => kept ?? caches.match("./")),
    ),
  );
});
