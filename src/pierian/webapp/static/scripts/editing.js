// A question is edited where it stands; what is sent begins a branch of the conversation.

function edit(button) {
  const turn = button.closest(".turn");
  const question = turn.querySelector(".question");
  const template = document.getElementById("edit-form");
  if (!template || turn.querySelector(".edit")) return;
  document.querySelectorAll(".edit").forEach((other) => cancel(other));
  const form = template.content.firstElementChild.cloneNode(true);
  const field = form.querySelector("textarea");
  form.setAttribute("action", button.dataset.edit);
  form.setAttribute("hx-post", button.dataset.edit);
  field.dir = "auto";
  field.value = question.querySelector("[data-question]").textContent;
  question.hidden = true;
  question.after(form);
  htmx.process(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      cancel(form);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (field.value.trim()) form.requestSubmit();
    }
  });
  form.addEventListener("htmx:after:request", ({ detail }) => {
    if (detail.ctx.response.status < 400) cancel(form);
  });
}

function cancel(form) {
  const turn = form.closest(".turn");
  form.remove();
  turn.querySelector(".question").hidden = false;
  turn.querySelector("[data-edit]")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-edit]");
  if (button) edit(button);
  else if (event.target.closest?.("[data-cancel-edit]")) cancel(event.target.closest(".edit"));
});
