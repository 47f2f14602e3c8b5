// The page for when the server cannot be reached looks for it, and goes on to what was wanted once it answers.

const EVERY = 2000;
let timer = 0;

// What was to be sent is still in the form that one came from.
const goOn = () => (document.body.dataset.sent === undefined ? location.replace(location.pathname + location.search) : history.back());

async function look() {
  clearTimeout(timer);
  try {
    if ((await fetch("/healthz", { cache: "no-store" })).ok) return goOn();
  } catch {
    // Not yet.
  }
  timer = setTimeout(look, EVERY);
}

if (location.pathname !== "/offline") {
  look();
  document.querySelector("main .button").addEventListener("click", (event) => {
    event.preventDefault();
    look();
  });
}
