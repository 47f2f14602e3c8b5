// The stream of a conversation and the banner: says when the server cannot be reached, the session has ended or the
// conversation is gone, and connects again by itself.
//
// htmx connects again once a stream was there; this does it where none ever was, and stops it where it is of no use.

import { texts } from "./texts.js";

const turns = document.getElementById("turns");
const banner = document.getElementById("connection");
const words = document.getElementById("connection-words");
const link = document.getElementById("connection-link");
const PATIENCE = 1200;
let state = "";
let waiting = 0;
let attempt = 0;

function show(next) {
  clearTimeout(waiting);
  state = next;
  if (!banner) return;
  if (!next) {
    banner.hidden = true;
    words.textContent = "";
    return;
  }
  words.textContent = texts[next];
  link.hidden = next !== "signedOut";
  banner.hidden = false;
}

// A connection that is back at once is nobody's business.
function lost(next) {
  if (state === next || (state && next === "reconnecting")) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(next), state ? 0 : PATIENCE);
}

function ended(status) {
  if (status === 401 || status === 403) show("signedOut");
  else if (status === 404 || status === 410) show("gone");
  else return false;
  return true;
}

if (turns?.hasAttribute("hx-sse:connect")) {
  let over = false;
  let connection = null;

  // Ends the stream; htmx connects again, unless it is told that it is over.
  const restart = () => connection?.reader?.cancel();

  const again = () => {
    attempt += 1;
    setTimeout(() => !over && htmx.trigger(turns, "connect"), Math.min(8000, 500 * 2 ** attempt));
  };

  turns.addEventListener("htmx:sse:after:connection", (event) => {
    connection = event.detail.connection;
    attempt = 0;
    show("");
  });
  // A browser keeps six connections to a server: a tab that nobody looks at gives its own back (htmx does so for one
  // that was seen before) and takes one when it is looked at.
  turns.addEventListener("htmx:sse:before:connection", (event) => {
    if (!over && !document.hidden) return;
    event.detail.connection.cancelled = true;
    if (!over) document.addEventListener("visibilitychange", () => htmx.trigger(turns, "connect"), { once: true });
  });
  turns.addEventListener("htmx:sse:error", (event) => {
    if (event.detail.status && ended(event.detail.status)) {
      over = true;
      restart();
    } else lost(event.detail.status ? "reconnecting" : "unreachable");
  });
  // The first connection is an ordinary request.
  turns.addEventListener("htmx:response:error", (event) => {
    if (event.target !== turns) return;
    if (ended(event.detail.ctx.response.status)) over = true;
    else {
      lost("reconnecting");
      again();
    }
  });
  turns.addEventListener("htmx:error", (event) => {
    if (event.target !== turns) return;
    lost("unreachable");
    again();
  });
  for (const [name, next] of [["gone", "gone"], ["signed-out", "signedOut"]]) {
    turns.addEventListener(name, () => {
      over = true;
      restart();
      show(next);
    });
  }

  // Signed in again in another tab: go on where it was.
  window.addEventListener("focus", () => {
    if (state !== "signedOut") return;
    over = false;
    attempt = 0;
    htmx.trigger(turns, "connect");
  });

  // Without a network nothing says that the stream is dead; with it again, a new one is sure to be alive.
  window.addEventListener("offline", () => !over && show("unreachable"));
  window.addEventListener("online", () => {
    if (!over) restart();
  });
}
