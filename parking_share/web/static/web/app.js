// Small comforts on top of forms that work without any script.
"use strict";

// Close an open menu by Escape or by a click elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// Offer the visitor's position where the browser knows it: three decimals are a hundred metres, enough to search.
for (const button of document.querySelectorAll("button[data-use-position]")) {
  if (!("geolocation" in navigator)) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const form = button.form;
    const answer = form.querySelector("[data-position-answer]");
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lat.value = coords.latitude.toFixed(3);
        form.elements.lon.value = coords.longitude.toFixed(3);
        form.elements.where.value = "";
        form.elements.where.required = false;
        form.requestSubmit();
        button.disabled = false;
      },
      () => {
        answer.textContent = button.dataset.refused;
        button.disabled = false;
      },
      { maximumAge: 60000, timeout: 8000 },
    );
  });
}
// Whoever types a place wants that place, not the position found before.
for (const field of document.querySelectorAll("input[data-place]")) {
  field.addEventListener("input", () => {
    field.form.elements.lat.value = "";
    field.form.elements.lon.value = "";
  });
}
