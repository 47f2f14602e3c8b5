// Where the focus goes when what had it is replaced: to the question field after asking, to the same button of the version
// that is shown now. On a touch screen the field is left alone: its keyboard would cover the answer.

const ASKED = "asked";
const turns = document.getElementById("turns");
const field = document.getElementById("question");
const keyboard = matchMedia("(pointer: fine)");
let wanted = null;

export const typing = () => keyboard.matches;

function free() {
  const focused = document.activeElement;
  return !focused || focused === document.body || !focused.checkVisibility();
}

function toField() {
  if (typing()) field?.focus({ preventScroll: true });
}

// The first question leads to another page.
document.addEventListener("pierian:asked", () => {
  try {
    if (document.getElementById("composer").dataset.conversation === "") sessionStorage.setItem(ASKED, "yes");
  } catch {
    // Then the focus begins at the top.
  }
  toField();
});
try {
  if (turns?.dataset.conversation && sessionStorage.getItem(ASKED)) {
    sessionStorage.removeItem(ASKED);
    toField();
  }
} catch {
  // The same.
}

document.addEventListener("htmx:after:request", (event) => {
  const form = event.detail.ctx.sourceElement; // which the stream may have replaced already
  if (!(form instanceof HTMLFormElement) || event.detail.ctx.response.status >= 400) return;
  const action = form.getAttribute("action");
  if (/\/turns\/\d+\/(retry|edit)$/.test(action)) toField();
  const [, position] = action.match(/\/turns\/(\d+)\/show$/) ?? [];
  if (!position) return;
  wanted = { turn: `turn-${position}`, at: [...form.parentElement.querySelectorAll("form")].indexOf(form) };
  restore();
});

// The other version comes with the stream, before or after the answer to the form.
function restore() {
  const turn = wanted && document.getElementById(wanted.turn);
  const buttons = turn?.querySelectorAll(".versions button") ?? [];
  if (!buttons.length) return;
  const same = buttons[wanted.at];
  wanted = null;
  if (free()) (same.disabled ? [...buttons].find((button) => !button.disabled) : same)?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", restore);
