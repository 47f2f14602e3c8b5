// The sidebar: on a wide screen it is there or not, as chosen; on a phone it is a drawer that takes the focus.

import { recall, remember } from "./storage.js";

const root = document.documentElement;
const sidebar = document.getElementById("sidebar");
const narrow = matchMedia("(max-width: 54rem)");
const buttons = document.querySelectorAll("[data-sidebar-toggle]");

function tell() {
  const open = narrow.matches ? root.dataset.drawer === "open" : root.dataset.sidebar !== "closed";
  buttons.forEach((button) => button.hasAttribute("aria-expanded") && button.setAttribute("aria-expanded", String(open)));
  document.querySelector(".page").inert = narrow.matches && open;
}

export function toggleSidebar() {
  if (!sidebar) return false;
  const opener = document.querySelector(".bar-menu");
  if (narrow.matches) {
    const open = root.dataset.drawer !== "open";
    root.dataset.drawer = open ? "open" : "";
    tell();
    (open ? sidebar.querySelector("a, button") : opener).focus();
  } else {
    root.dataset.sidebar = root.dataset.sidebar === "closed" ? "" : "closed";
    remember("sidebar", root.dataset.sidebar);
    tell();
    if (root.dataset.sidebar === "closed") opener.focus();
    else sidebar.querySelector("[data-sidebar-toggle]").focus();
  }
  return true;
}

if (sidebar) {
  root.dataset.sidebar = recall("sidebar");
  buttons.forEach((button) => button.addEventListener("click", toggleSidebar));
  sidebar.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && root.dataset.drawer === "open" && !event.defaultPrevented) toggleSidebar();
  });
  narrow.addEventListener("change", () => {
    root.dataset.drawer = "";
    tell();
  });
  tell();
  sidebar.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
}
