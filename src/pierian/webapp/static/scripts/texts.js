// The words that scripts say, as the server wrote them into the page.

export const texts = document.getElementById("texts")?.dataset ?? {};
