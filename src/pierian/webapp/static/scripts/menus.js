// Menus are <details>: this closes them on Escape, on a click elsewhere and when something was chosen, and walks through
// them with the arrows.

document.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".menu-panel :is(a, button)");
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target) || (chosen && menu.contains(chosen))) menu.removeAttribute("open");
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu");
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    event.stopPropagation();
    event.preventDefault();
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (event.target.type === "radio" || event.target.matches("select")) return;
    event.preventDefault();
    if (!menu.open) menu.open = true;
    const items = [...menu.querySelectorAll(".menu-panel :is(a, button, input:checked)")].filter((item) => !item.disabled);
    const at = items.indexOf(document.activeElement);
    const step = event.key === "ArrowDown" ? 1 : -1;
    items[at < 0 ? (step > 0 ? 0 : items.length - 1) : (at + step + items.length) % items.length]?.focus();
  }
}, true);
