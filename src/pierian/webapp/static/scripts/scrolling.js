// Follows an answer as it grows, but only for whoever is at its end; everybody else gets a button to the latest message.

const turns = document.getElementById("turns");
const latest = document.getElementById("latest");
const NEAR = 96;

if (turns && latest) {
  const page = document.scrollingElement;
  let following = true;
  let planned = false;

  const distance = () => page.scrollHeight - innerHeight - page.scrollTop;
  const toEnd = () => page.scrollTo({ top: page.scrollHeight, behavior: "instant" });

  const follow = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      if (following) toEnd();
      else latest.hidden = distance() < NEAR;
    });
  };

  let before = page.scrollTop;
  addEventListener("scroll", () => {
    const up = page.scrollTop < before - 2;
    before = page.scrollTop;
    if (distance() < NEAR) following = true;
    else if (up) following = false;
    latest.hidden = following;
  }, { passive: true });
  addEventListener("wheel", (event) => {
    if (event.deltaY < 0) following = false;
  }, { passive: true });

  latest.addEventListener("click", () => {
    following = true;
    latest.hidden = true;
    toEnd();
    document.getElementById("question")?.focus({ preventScroll: true });
  });
  document.addEventListener("pierian:asked", () => {
    following = true;
    follow();
  });

  new ResizeObserver(follow).observe(turns);
  if (location.hash.startsWith("#turn-")) following = false;
  else if (turns.childElementCount) toEnd();
}
