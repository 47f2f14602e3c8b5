// Follows whether something is being answered: shows Stop in the place of Send, and tells others when a status changes.

import { typing } from "./focusing.js";

const turns = document.getElementById("turns");
const stop = document.getElementById("stop");
const send = document.getElementById("send");
const states = new Map();

// Answers under way are the last ones: a long conversation is not searched for each word that arrives.
const last = () => (turns ? [...turns.children].slice(-4) : []);

export function answering() {
  return last().some((turn) => turn.querySelector(':scope > .status:is([data-state="working"], [data-state="waiting"])'));
}

function look() {
  if (!turns) return;
  for (const turn of last()) {
    const status = turn.querySelector(":scope > .status");
    if (!status) continue;
    const words = status.querySelector(".status-words, .status-error > p")?.textContent ?? "";
    const now = `${status.dataset.state} ${words}`;
    const before = states.get(status.id);
    states.set(status.id, now);
    if (before === undefined || before === now) continue;
    const ended = /^(working|waiting)/.test(before) && !/^(working|waiting)/.test(now);
    document.dispatchEvent(new CustomEvent("pierian:status", { detail: { state: status.dataset.state, words, ended } }));
  }
  if (!stop) return;
  const under = answering();
  if (stop.hidden === !under) return;
  const focused = document.activeElement === stop || document.activeElement === send;
  stop.hidden = !under;
  send.hidden = under;
  if (focused) (typing() ? document.getElementById("question") : under ? stop : send).focus();
}

// The conversation was deleted elsewhere: what it was doing is over, and the banner says so.
function over() {
  for (const turn of last()) {
    const status = turn.querySelector(":scope > .status");
    if (!status || !/^(working|waiting)$/.test(status.dataset.state)) continue;
    status.dataset.state = "lost";
    status.hidden = true;
    states.delete(status.id);
    turn.querySelector(".answer")?.removeAttribute("aria-busy");
    turn.querySelectorAll(".ripple").forEach((ripple) => ripple.remove());
  }
  look();
}

turns?.addEventListener("gone", over);
turns?.addEventListener("htmx:sse:error", (event) => [404, 410].includes(event.detail.status) && over());

document.addEventListener("htmx:after:swap", look);
look();
