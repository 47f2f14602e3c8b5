// Looks at pictures: whatever of one is pointed at or focused, in the list or on the picture, stands out in both; pressing
// keeps it so.

function both(element, act) {
  const look = element?.closest?.("[data-look]");
  const looks = look?.closest(".looks");
  if (!looks) return;
  for (const one of looks.querySelectorAll(`[data-look="${CSS.escape(look.dataset.look)}"]`)) act(one, looks);
}

const light = (event) => both(event.target, (one) => one.classList.add("look-lit"));
const dim = (event) => both(event.target, (one) => one.classList.remove("look-lit"));

document.addEventListener("pointerover", light);
document.addEventListener("pointerout", dim);
document.addEventListener("focusin", light);
document.addEventListener("focusout", dim);

document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-look]");
  const looks = pressed?.closest(".looks");
  if (!looks) return;
  const number = CSS.escape(pressed.dataset.look);
  const button = looks.querySelector(`button[data-look="${number}"]`);
  const kept = button.ariaPressed !== "true";
  for (const one of looks.querySelectorAll("[data-look]")) {
    const chosen = kept && one.dataset.look === pressed.dataset.look;
    one.classList.toggle("look-kept", chosen);
    if (one instanceof HTMLButtonElement) one.ariaPressed = String(chosen);
  }
  // On a phone the picture may be out of sight above its list.
  if (kept && button.contains(event.target)) looks.querySelector(`g[data-look="${number}"]`)?.scrollIntoView({ block: "nearest" });
});
