// Follows an answer as it grows, but only for whoever is at its end; everybody else gets a button to the latest message.
// Whatever grows because somebody opened it stays where it is.

import { answering } from "./answering.js";

const turns = document.getElementById("turns");
const latest = document.getElementById("latest");
const NEAR = 96;

if (turns?.dataset.conversation && latest) {
  const page = document.scrollingElement;
  let following = true;
  let growing = true; // by itself: the page while it is laid out, and what follows a question
  let planned = false;

  const distance = () => page.scrollHeight - innerHeight - page.scrollTop;
  const toEnd = () => page.scrollTo({ top: page.scrollHeight, behavior: "instant" });

  const follow = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      if (following && (growing || answering())) toEnd();
      else latest.hidden = distance() < NEAR;
    });
  };

  // Where the page has changed its height since, the browser may have moved it, and not a hand.
  let before = page.scrollTop;
  let height = page.scrollHeight;
  let touching = false;
  addEventListener("touchstart", () => (touching = true), { passive: true });
  for (const ends of ["touchend", "touchcancel"]) addEventListener(ends, () => (touching = false), { passive: true });
  addEventListener("scroll", () => {
    const up = page.scrollTop < before - 2 && (touching || page.scrollHeight === height);
    before = page.scrollTop;
    height = page.scrollHeight;
    if (distance() < NEAR) following = true;
    else if (up) following = false;
    latest.hidden = following;
  }, { passive: true });
  addEventListener("wheel", (event) => {
    if (event.deltaY < 0) following = false;
  }, { passive: true });

  // Whoever opens something looks at that; if they are still at the end then, an answer is followed further.
  turns.addEventListener("click", () => {
    growing = false;
    following = false;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (distance() < NEAR) following = true;
    }));
  });

  latest.addEventListener("click", () => {
    following = true;
    latest.hidden = true;
    toEnd();
    document.getElementById("question")?.focus({ preventScroll: true });
  });
  document.addEventListener("pierian:asked", () => {
    following = true;
    growing = true;
    follow();
  });
  document.addEventListener("pierian:status", () => {
    growing = true; // an answer that ends grows once more, by its receipt, as its status goes
    requestAnimationFrame(follow);
  });

  new ResizeObserver(follow).observe(turns);
  if (location.hash.startsWith("#turn-")) following = false;
  else if (turns.childElementCount) toEnd();
}
