// Short messages in the corner, from scripts and from the server; they leave by themselves, errors later. Where there is a
// question field they stand above it, so that nothing in it is covered.

const place = document.getElementById("toasts");
const dock = document.querySelector(".dock");

function lift() {
  if (!place.childElementCount) return;
  const latest = document.getElementById("latest");
  const covered = latest && !latest.hidden ? latest : dock;
  const free = innerHeight - covered.getBoundingClientRect().top;
  place.style.bottom = free > 0 ? `${free + 8}px` : "";
}

export function toast(message, hint = "") {
  if (!place || [...place.children].some((one) => one.querySelector("p")?.textContent === message)) return;
  const made = document.createElement("div");
  made.className = "toast toast-error";
  const icon = document.createElement("span");
  icon.className = "icon icon-alert";
  icon.ariaHidden = "true";
  const words = document.createElement("div");
  for (const [line, name] of [[message, ""], [hint, "toast-hint"]]) {
    if (!line) continue;
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    paragraph.className = name;
    words.append(paragraph);
  }
  made.append(icon, words);
  place.append(made);
}

if (place) {
  new MutationObserver((changes) => {
    if (dock) lift();
    for (const added of changes.flatMap((change) => [...change.addedNodes])) {
      if (added instanceof Element) setTimeout(() => added.remove(), added.matches(".toast-done") ? 4000 : 9000);
    }
  }).observe(place, { childList: true });
  if (dock) {
    new ResizeObserver(lift).observe(dock);
    addEventListener("resize", lift);
    addEventListener("scroll", lift, { passive: true });
  }
  place.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());
}
