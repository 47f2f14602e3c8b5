// Dialogs: opened by `data-opens`, closed by `data-close`, Escape or a click beside them. The browser keeps the focus.
// One that the server sent open, with a form that has to be put right, is opened anew so that it stands in front.

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return false;
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  document.querySelectorAll(".menu[open]").forEach((menu) => menu.removeAttribute("open"));
  dialog.showModal();
  const first =
    dialog.querySelector('[aria-invalid="true"]') ?? dialog.querySelector("[autofocus], :is(input, select):not([type=hidden], [readonly])");
  first?.focus();
  first?.select?.();
  return true;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener && document.getElementById(opener.dataset.opens)) {
    event.preventDefault();
    openDialog(opener.dataset.opens);
    return;
  }
  if (event.target.closest?.("[data-close]")) event.target.closest("dialog")?.close();
  else if (event.target instanceof HTMLDialogElement && outside(event, event.target)) event.target.close();
});

const sent = document.querySelector("dialog[open]");
if (sent) {
  sent.open = false; // closing it would take the focus away again
  openDialog(sent.id);
}

// Where nothing had the focus before, the browser leaves it for a moment on a field that is gone; keys would go there.
document.addEventListener(
  "close",
  (event) => {
    if (event.target.contains?.(document.activeElement)) document.activeElement.blur();
  },
  true,
);

function outside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

// A result may lead to a place on this same page.
document.getElementById("search")?.addEventListener("click", (event) => {
  if (event.target.closest("[data-result]")) event.currentTarget.close();
});

// Results of the search are walked through with the arrows. Escape would empty the field first, and close it only then.
document.getElementById("search")?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    event.preventDefault();
    event.currentTarget.close();
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [event.currentTarget.querySelector("[data-search-input]"), ...event.currentTarget.querySelectorAll("[data-result]")];
  const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  if (!stops[next]) return;
  event.preventDefault();
  stops[next].focus();
});
