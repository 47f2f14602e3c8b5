// Copying: answers, questions, code, links. An answer is copied as its text with its structure.

import { announce } from "./announcing.js";
import { texts } from "./texts.js";
import { toast } from "./toasts.js";

export async function copy(words, button) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    if (!copySelected(words)) {
      toast(texts.copyFailed);
      return;
    }
  }
  announce(texts.copied);
  const icon = button?.querySelector(".icon");
  if (!icon) return;
  icon.classList.replace("icon-copy", "icon-check");
  setTimeout(() => icon.classList.replace("icon-check", "icon-copy"), 1600);
}

// The clipboard belongs to pages over TLS; at a plain address in the house browsers still copy what is selected.
function copySelected(words) {
  const field = document.createElement("textarea");
  const before = document.activeElement;
  field.value = words;
  field.className = "unseen";
  (before?.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}

export function answerText(answer) {
  const clone = answer.cloneNode(true);
  clone.querySelectorAll(".code-head, iframe").forEach((element) => element.remove());
  // innerText needs a layout to know where lines end.
  clone.className = "unseen";
  clone.hidden = false;
  document.body.append(clone);
  const words = clone.innerText.trim();
  clone.remove();
  return words;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-answer], [data-copy-question]");
  if (!button) return;
  if (button.dataset.copy) {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    copy(field.value, button);
  } else if (button.dataset.copyAnswer) {
    copy(answerText(document.getElementById(button.dataset.copyAnswer)), button);
  } else {
    copy(button.closest(".turn").querySelector("[data-question]").textContent, button);
  }
});

function absolute() {
  for (const element of document.querySelectorAll("[data-absolute]")) {
    const place = element instanceof HTMLInputElement ? "value" : "textContent";
    element[place] = new URL(element[place], location.href).href;
  }
}

// The stream of a conversation brings none, and a long page is not searched for each word that arrives.
document.addEventListener("htmx:after:swap", (event) => event.target.id !== "turns" && absolute());
absolute();
