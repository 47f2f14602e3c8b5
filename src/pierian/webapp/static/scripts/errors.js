// Requests that fail: the server's own words where it sent some (as a toast), otherwise what is known.

import { texts } from "./texts.js";
import { toast } from "./toasts.js";

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement?.hasAttribute("hx-sse:connect") || ctx.text?.includes('hx-target="#toasts"')) return;
  if (ctx.response.status === 401) toast(texts.signedOut);
  else if (ctx.response.status === 413) toast(texts.tooLarge);
  else toast(texts.failed);
});

document.addEventListener("htmx:error", (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (!source || source.hasAttribute("hx-sse:connect")) return;
  toast(texts.unreachable);
});
