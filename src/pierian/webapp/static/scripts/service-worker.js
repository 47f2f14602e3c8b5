// Keeps the page for when the server cannot be reached, with its styles. Conversations are never kept here.

const NAME = "offline";
const PAGE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const page = await fetch(PAGE, { cache: "reload" });
      const styles = [...(await page.clone().text()).matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map((found) => found[1]);
      const cache = await caches.open(NAME);
      await Promise.all((await cache.keys()).map((request) => cache.delete(request)));
      await cache.put(PAGE, page);
      await cache.addAll(styles);
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(async () => (await caches.match(PAGE)) ?? Response.error()));
  } else if (address.pathname.startsWith("/static/") && address.pathname.endsWith("/styles/all.css")) {
    event.respondWith(fetch(event.request).catch(async () => (await caches.match(event.request)) ?? Response.error()));
  }
});
