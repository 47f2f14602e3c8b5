// Tells screen readers what an answer does: each status once, at most every three seconds, never the streamed text.

import { texts } from "./texts.js";

const QUIET = 3000;
const announcer = document.getElementById("announcer");
let last = "";
let timer = 0;
let pending = "";
let spoken = -QUIET;

export function announce(words) {
  if (!announcer || !words || words === last) return;
  pending = words;
  clearTimeout(timer);
  timer = setTimeout(say, Math.max(0, spoken + QUIET - performance.now()));
}

function say() {
  last = pending;
  spoken = performance.now();
  announcer.textContent = pending;
}

document.addEventListener("pierian:status", (event) => {
  const { state, words, ended } = event.detail;
  announce(ended && state === "done" ? texts.answerReady : words);
});
