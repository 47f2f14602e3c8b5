// Pages that a form brought: the focus goes to the first field that is wrong, and a reload of a page that shows a secret
// once does not make another.

if (!document.querySelector("dialog[open], main [autofocus]")) document.querySelector('main [aria-invalid="true"]')?.focus();

const once = document.querySelector("[data-shown-once]");
if (once) history.replaceState(null, "", once.dataset.shownOnce);
