// The mode in the composer: its button shows what is chosen, and the choice is kept for this conversation.

const modes = document.getElementById("modes");

export function choose(number) {
  const option = modes?.querySelectorAll('[name="mode"]')[number - 1];
  if (!option) return false;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

modes?.addEventListener("change", (event) => {
  if (event.target.name !== "mode") return;
  for (const shown of modes.querySelectorAll(".mode-shown")) shown.hidden = shown.dataset.mode !== event.target.value;
});

// With the mouse, choosing closes the menu; with the keyboard one looks at each in turn.
modes?.addEventListener("click", (event) => {
  if (event.detail && event.target.closest(".mode-option") && event.target.name !== "mode" && !event.target.closest('[class="mode-option"]:has([value="contemplating"])')) {
    setTimeout(() => modes.removeAttribute("open"), 120);
  }
});
