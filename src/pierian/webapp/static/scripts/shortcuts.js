// Keyboard shortcuts; `templates/shortcuts.html` lists the same.

import { answering } from "./answering.js";
import { answerText, copy } from "./copying.js";
import { openDialog } from "./dialogs.js";
import { choose } from "./modes.js";
import { toggleSidebar } from "./sidebar.js";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const last = (selector) => [...document.querySelectorAll(selector)].at(-1);

const WITH_MOD_SHIFT = {
  KeyO: () => location.assign("/"),
  KeyC: () => {
    const answer = last("[data-answer]:not([hidden])");
    if (answer) copy(answerText(answer), last("[data-copy-answer]"));
    return Boolean(answer);
  },
  KeyE: () => {
    last("[data-edit]")?.click();
    return Boolean(last("[data-edit]"));
  },
  KeyS: () => toggleSidebar(),
};

function walk(step) {
  const turns = [...document.querySelectorAll(".turn")];
  const at = turns.findIndex((turn) => turn.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? turns.length - 1 : turns.length - 2) : at + step;
  turns[next]?.focus({ preventScroll: true });
  turns[next]?.scrollIntoView({ block: "start" });
  return Boolean(turns[next]);
}

const PLAIN = {
  "?": () => openDialog("shortcuts"),
  "/": () => {
    document.getElementById("question")?.focus();
    return Boolean(document.getElementById("question"));
  },
  j: () => walk(1),
  k: () => walk(-1),
};

function typing(element) {
  return element.closest?.("input:not([type=radio], [type=checkbox], [type=file]), textarea, select, dialog[open]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const mod = mac ? event.metaKey : event.ctrlKey;
  let done = false;
  if (mod && event.shiftKey) done = WITH_MOD_SHIFT[event.code] ? (WITH_MOD_SHIFT[event.code]() ?? true) : false;
  else if (mod && event.code === "KeyK") done = openDialog("search");
  else if (event.altKey && /^Digit[1-4]$/.test(event.code)) done = choose(Number(event.code.at(-1)));
  else if (event.key === "Escape" && !document.querySelector("dialog[open]") && answering()) {
    document.getElementById("stop")?.click();
    done = true;
  } else if (!mod && !event.altKey && !typing(event.target)) done = PLAIN[event.key]?.() ?? false;
  if (done) event.preventDefault();
});

const mod = mac ? "⌘" : "Ctrl";
document.querySelectorAll("kbd[data-mod]").forEach((key) => (key.textContent = mod));
document.querySelectorAll("kbd[data-keys]").forEach((key) => {
  key.textContent = { new: mac ? "⇧⌘O" : "Ctrl+⇧+O", search: mac ? "⌘K" : "Ctrl+K" }[key.dataset.keys];
});
