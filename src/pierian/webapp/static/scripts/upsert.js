// The way in which updates of a conversation reach the page: a swap style `upsert` for htmx.
//
// Elements of an update that the page has (by id) are changed in place, the others appended to the target. So an update
// may come twice, and white space around it does not pile up. What a person folded open or closed stays so.

const touched = new WeakSet();

document.addEventListener(
  "click",
  (event) => {
    const summary = event.target.closest?.("summary");
    if (summary) touched.add(summary.parentElement);
  },
  true,
);

let api = null;

globalThis.htmx?.registerExtension("upsert", {
  init: (internal) => {
    api = internal;
  },
  handle_swap: (style, target, fragment) => {
    if (style !== "upsert") return false;
    const changed = [];
    for (const element of [...fragment.children]) {
      const existing = element.id ? document.getElementById(element.id) : null;
      if (existing) {
        const only = document.createDocumentFragment();
        only.append(element);
        api.morph(existing, only, false);
        changed.push(document.getElementById(existing.id));
      } else {
        target.append(element);
        changed.push(element);
      }
    }
    return changed.filter(Boolean);
  },
  // Code that has its buttons, and what it shows, stays as it is while its text does.
  htmx_before_morph_node: (element, { newNode }) =>
    !(element.matches?.(".code:has(button)") && element.querySelector("pre").textContent === newNode.querySelector?.("pre")?.textContent),
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && (touched.has(element) || element.matches(".receipt, .menu, .check-open"))),
});
