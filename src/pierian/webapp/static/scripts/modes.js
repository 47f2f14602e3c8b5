// The mode in the composer: its button shows what is chosen, and the choice is kept for this conversation.

const modes = document.getElementById("modes");

export function choose(number) {
  const option = modes?.querySelectorAll('[name="mode"]')[number - 1];
  if (!option) return false;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

// Browsers bring back what was chosen when one comes back to a page, and say nothing of it.
function show() {
  const chosen = modes.querySelector('[name="mode"]:checked')?.value;
  for (const shown of modes.querySelectorAll(".mode-shown")) shown.hidden = shown.dataset.mode !== chosen;
}

if (modes) {
  modes.addEventListener("change", show);
  addEventListener("pageshow", show);
  show();
}

let closing;

// With the mouse, choosing closes the menu, except where there is more to choose; with the keyboard Enter does.
modes?.addEventListener("click", (event) => {
  const option = event.target.closest(".mode-option");
  if (!option || !event.detail || option.querySelector('[value="contemplating"]')) return;
  closing = setTimeout(() => modes.removeAttribute("open"), 120);
});

// Who has closed it and opens it again at once wants it open.
modes?.addEventListener("toggle", () => clearTimeout(closing));

modes?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.name !== "mode") return;
  event.preventDefault();
  modes.removeAttribute("open");
  document.getElementById("question")?.focus();
});
