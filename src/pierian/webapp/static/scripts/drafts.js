// Drafts fold away when their answer is there, unless somebody is in them.

document.addEventListener("pierian:status", (event) => {
  if (!event.detail.ended) return;
  for (const drafts of document.querySelectorAll("#turns > :nth-last-child(-n+2) > .drafts[open]")) {
    if (!drafts.contains(document.activeElement)) drafts.removeAttribute("open");
  }
});
