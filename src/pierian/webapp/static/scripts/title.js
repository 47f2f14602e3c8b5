// The title of the tab follows that of the conversation, which may be changed elsewhere.

const title = document.getElementById("title");
const name = document.title.split(" · ").at(-1);

if (title) {
  document.addEventListener("htmx:after:swap", () => {
    const words = `${title.textContent} · ${name}`;
    if (document.title !== words) document.title = words;
  });
}
