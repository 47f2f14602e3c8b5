// Installs the service worker, which knows one page: the one for when the server cannot be reached.

if ("serviceWorker" in navigator && isSecureContext) {
  navigator.serviceWorker.register("/service-worker.js").catch(() => {});
}
