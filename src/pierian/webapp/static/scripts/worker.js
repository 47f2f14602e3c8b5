// Installs the service worker, which knows one page: the one for when the server cannot be reached. Its address changes
// with the version of the app, so that the page that it keeps does too.

const version = new URL(import.meta.url).pathname.split("/")[2];

if ("serviceWorker" in navigator && isSecureContext) {
  navigator.serviceWorker.register(`/service-worker.js?${version}`).catch(() => {});
}
