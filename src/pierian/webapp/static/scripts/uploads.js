// Files come by the button, by dropping and by pasting; each is sent at once and stands as a chip in the composer.

import { texts } from "./texts.js";

const form = document.getElementById("composer");
const picker = document.getElementById("files");
const list = document.getElementById("attachments");

function chip(name) {
  const item = document.createElement("li");
  item.className = "attachment attachment-waiting";
  const file = document.createElement("span");
  file.className = "attachment-file";
  const label = document.createElement("span");
  label.className = "attachment-name";
  label.textContent = name;
  const progress = document.createElement("progress");
  progress.ariaLabel = `${texts.uploading} ${name}`;
  file.append(label, progress);
  item.append(file);
  list.append(item);
  return item;
}

function failed(item, name, words) {
  item.className = "attachment attachment-failed";
  const file = document.createElement("span");
  file.className = "attachment-file";
  const label = document.createElement("span");
  label.className = "attachment-error";
  label.role = "alert";
  label.textContent = `${name}: ${words}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "attachment-remove";
  remove.dataset.removeAttachment = "";
  remove.ariaLabel = name;
  const icon = document.createElement("span");
  icon.className = "icon icon-close";
  remove.append(icon);
  file.append(label, remove);
  item.replaceChildren(file);
}

function upload(file) {
  const item = chip(file.name);
  const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
  request.open("POST", picker.dataset.upload);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => {
    const progress = item.querySelector("progress");
    if (!progress || !event.lengthComputable) return;
    progress.max = event.total;
    progress.value = event.loaded;
  });
  request.addEventListener("load", () => {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("li.attachment");
    if (answer) item.replaceWith(document.adoptNode(answer));
    else if (request.status === 413) failed(item, file.name, texts.tooLarge);
    else if (request.status === 401) failed(item, file.name, texts.signedOut);
    else failed(item, file.name, texts.uploadFailed);
  });
  request.addEventListener("error", () => failed(item, file.name, texts.unreachable));
  request.addEventListener("loadend", () => document.dispatchEvent(new CustomEvent("pierian:uploaded")));
  const data = new FormData();
  data.append("file", file, file.name);
  request.send(data);
}

if (form && picker) {
  picker.addEventListener("change", () => {
    [...picker.files].forEach(upload);
    picker.value = "";
  });
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    files.forEach(upload);
  });

  // Dropping anywhere on the page counts: nobody wants to lose it to a file that the browser opens.
  let depth = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    depth += 1;
    form.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (carries(event) && --depth <= 0) form.classList.remove("dropping");
  });
  document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    depth = 0;
    form.classList.remove("dropping");
    if (!carries(event)) return;
    event.preventDefault();
    [...event.dataTransfer.files].forEach(upload);
  });

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-attachment]");
    if (!button) return;
    if (button.dataset.removeAttachment) fetch(button.dataset.removeAttachment, { method: "POST" }).catch(() => {});
    button.closest(".attachment").remove();
    document.getElementById("question").focus();
  });
}
