// The page for when the server cannot be reached looks for it, and goes on to what was wanted once it answers.

const EVERY = 2000;

async function look() {
  try {
    const { ok } = await fetch("/healthz", { cache: "no-store" });
    if (ok) {
      const wanted = location.pathname + location.search;
      // What was to be sent is still in the form that one came from.
      if ((await fetch(wanted, { cache: "no-store" })).status === 405) history.back();
      else location.replace(wanted);
      return;
    }
  } catch {
    // Not yet.
  }
  setTimeout(look, EVERY);
}

if (location.pathname !== "/offline") look();
