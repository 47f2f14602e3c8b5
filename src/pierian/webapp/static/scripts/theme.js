// Shows a theme as soon as it is chosen in the settings; saving it is the form's business.

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-theme-choice]")) document.documentElement.dataset.theme = event.target.value;
});
