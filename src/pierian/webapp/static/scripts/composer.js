// The question field: sends with Enter, grows, and loses nothing. Unsent text is kept in this browser, so that it survives a
// reload, an expired session and a server that is gone. A question whose files are on their way is sent once they are there.

import { texts } from "./texts.js";
import { toast } from "./toasts.js";
import { unsent } from "./unsent.js";

const form = document.getElementById("composer");
const field = document.getElementById("question");

export function fill(words) {
  field.value = words;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  field.setSelectionRange(words.length, words.length);
}

// Where the browser does not size a field by its content, this does.
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  field.rows = Math.min(12, field.value.split("\n").reduce((rows, line) => rows + 1 + Math.floor(line.length / 72), 0));
}

if (form && field) {
  const kept = unsent(form.dataset.person, form.dataset.conversation);
  const waits = document.getElementById("waits");
  const uploading = () => form.querySelector(".attachment-waiting") !== null;
  const submit = () => form.requestSubmit(document.getElementById("send"));
  if (!field.value) field.value = kept.recall();
  grow();

  field.addEventListener("input", () => {
    grow();
    kept.remember(field.value);
    waits.replaceChildren();
  });

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.altKey) return;
    // On a touch keyboard Enter begins a line; there is a button to send.
    if (matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (field.value.trim()) submit();
  });

  form.addEventListener("submit", (event) => {
    const ready = field.value.trim() && !uploading();
    if (ready) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!uploading()) return;
    const ripple = document.createElement("span");
    ripple.className = "ripple ripple-small";
    ripple.ariaHidden = "true";
    waits.replaceChildren(ripple, texts.waits);
  }, true);

  document.addEventListener("pierian:uploaded", () => {
    if (uploading() || !waits.hasChildNodes()) return;
    waits.replaceChildren();
    if (form.querySelector(".attachment-failed")) toast(texts.notSent);
    else submit();
  });

  // Only what the server has taken is cleared, and only if nobody typed on in the meantime.
  let sent = "";
  form.addEventListener("htmx:before:request", () => {
    sent = field.value;
  });
  form.addEventListener("htmx:after:request", (event) => {
    const { response } = event.detail.ctx;
    if (event.target !== form || response.status >= 400) return;
    if (field.value === sent) field.value = "";
    kept.remember(field.value);
    grow();
    document.getElementById("attachments").replaceChildren();
    document.dispatchEvent(new CustomEvent("pierian:asked"));
  });

  document.addEventListener("click", (event) => {
    const example = event.target.closest?.("[data-example]");
    if (!example) return;
    const mode = form.querySelector(`[name="mode"][value="${example.dataset.exampleMode}"]`);
    if (mode) {
      mode.checked = true;
      mode.dispatchEvent(new Event("change", { bubbles: true }));
    }
    fill(example.dataset.example);
  });
}
