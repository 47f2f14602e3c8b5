// Text that was typed and not sent, by person and conversation. Each tab has its own; the last one typed anywhere is kept
// beside it for a tab that has none, so that it survives a tab that was closed. Signing out clears it from this browser.

import { recall, remember } from "./storage.js";

const name = (person, conversation) => `unsent:${person}:${conversation || "new"}`;

export function unsent(person, conversation) {
  const key = name(person, conversation);
  let typed = ofTab(key);
  return {
    recall: () => (typed ??= recall(key)),
    remember: (words) => {
      // What another tab has typed meanwhile is its own.
      if (words || recall(key) === typed) remember(key, words);
      typed = words;
      keepInTab(key, words);
    },
  };
}

function ofTab(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function keepInTab(key, words) {
  try {
    sessionStorage.setItem(key, words); // also where it is empty: then this tab has nothing, whatever another has
  } catch {
    // Not remembered.
  }
}

function forget(storage, person) {
  Object.keys(storage)
    .filter((key) => key.startsWith(`unsent:${person}:`))
    .forEach((key) => storage.removeItem(key));
}

document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/sign-out") return;
  try {
    forget(localStorage, event.target.dataset.person);
    forget(sessionStorage, event.target.dataset.person);
  } catch {
    // Nothing was remembered either.
  }
});
