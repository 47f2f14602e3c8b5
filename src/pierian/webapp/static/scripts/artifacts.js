// Buttons on blocks of code: copying, and for pages and drawings a sealed frame that shows them.
//
// They are put there once an answer is complete, and only as its blocks come near the screen.

import { copy } from "./copying.js";
import { texts } from "./texts.js";

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      equip(entry.target);
    }
  },
  { rootMargin: "600px" },
);

function button(words, icon, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "code-button";
  const shape = document.createElement("span");
  shape.className = `icon icon-${icon}`;
  shape.ariaHidden = "true";
  made.append(shape, words);
  made.addEventListener("click", () => act(made));
  return made;
}

function equip(block) {
  const head = block.querySelector(".code-head");
  const answer = block.closest("[data-answer]");
  if (!head || head.querySelector("button") || answer?.getAttribute("aria-busy") === "true") return;
  const conversation = document.getElementById("turns")?.dataset.conversation;
  const number = block.dataset.artifact;
  if (number !== undefined && conversation) {
    const position = answer.closest(".turn").dataset.position;
    head.append(button(texts.show, "play", (pressed) => toggle(block, pressed, `/conversations/${conversation}/turns/${position}/artifacts/${number}`)));
  }
  const copying = button(texts.copyButton, "copy", (pressed) => copy(block.querySelector("pre").textContent, pressed));
  copying.ariaLabel = texts.copyCode;
  head.append(copying);
}

function toggle(block, pressed, address) {
  const frame = block.querySelector("iframe");
  const icon = pressed.querySelector(".icon");
  if (frame) {
    frame.remove();
    pressed.lastChild.textContent = texts.show;
    icon.className = "icon icon-play";
  } else {
    const made = document.createElement("iframe");
    made.className = "artifact";
    made.setAttribute("sandbox", "allow-scripts");
    made.referrerPolicy = "no-referrer";
    made.title = texts.artifact;
    made.src = address;
    block.append(made);
    pressed.lastChild.textContent = texts.hide;
    icon.className = "icon icon-close";
  }
  pressed.ariaExpanded = String(!frame);
}

// What a tool wrote is shown in its step.
document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-page]");
  if (pressed?.closest(".step")) toggle(pressed.parentElement, pressed, pressed.dataset.page);
});

function find(root) {
  for (const block of root.querySelectorAll?.(".answer:not([aria-busy]) .code") ?? []) {
    if (!block.querySelector(".code-head button")) seen.observe(block);
  }
}

// An answer that changes is changed as a whole turn when it ends; until then there is nothing to equip.
document.addEventListener("htmx:after:settle", (event) => {
  for (const element of event.detail.newContent ?? []) find(element);
});
find(document);
