// Keeps the page for when the server cannot be reached, with what it loads. Conversations are never kept here.

const NAME = "offline";
const PAGE = "/offline";
const LOADED = /\/static\/.*\/(styles\/all\.css|scripts\/offline\.js)$/;
const NOBODY_BEHIND = [502, 504];

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const page = await fetch(PAGE, { cache: "reload" });
      const loaded = (await page.clone().text()).matchAll(/<(?:link rel="stylesheet" href|script [^>]*src)="([^"]+)"/g);
      const cache = await caches.open(NAME);
      await Promise.all((await cache.keys()).map((request) => cache.delete(request)));
      await cache.put(PAGE, page);
      await cache.addAll([...loaded].map((found) => found[1]));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const kept = async (request) => (await caches.match(request)) ?? Response.error();

async function page(request) {
  try {
    const answer = await fetch(request);
    if (!NOBODY_BEHIND.includes(answer.status)) return answer;
  } catch {
    // Nobody answers.
  }
  const found = await kept(PAGE);
  if (request.method === "GET") return found;
  return new Response((await found.text()).replace("<body", "<body data-sent"), { headers: found.headers });
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (LOADED.test(request.url)) event.respondWith(fetch(request).catch(() => kept(request)));
});
