// Small behaviours of the desks' pages; everything works without them, only less comfortably.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  navigator.clipboard.writeText(text).then(() => {
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  });
});

// A form is sent once: a second click on its button does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  const note = form.querySelector("[data-wait]");
  if (note) note.hidden = false;
});

// Dropping a file on the field chooses it; its name is shown.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const zone = event.target.closest && event.target.closest("[data-drop]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("is-over", kind === "dragover");
    if (kind !== "drop" || !event.dataTransfer.files.length) return;
    const input = zone.querySelector("input[type=file]");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
document.addEventListener("change", (event) => {
  const zone = event.target.closest("[data-drop]");
  if (!zone || event.target.type !== "file") return;
  const name = zone.querySelector("[data-file-name]");
  if (name) name.textContent = event.target.files.length ? event.target.files[0].name : "";
});

// Narrowing a long list of boxes by typing.
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-narrow]")) return;
  event.stopPropagation();
  const wanted = event.target.value.trim().toLowerCase();
  for (const choice of event.target.parentElement.querySelectorAll(".desk-choice")) {
    choice.hidden = !choice.textContent.toLowerCase().includes(wanted) && !choice.querySelector("input").checked;
  }
});

document.addEventListener("DOMContentLoaded", () => {
  // Times are stored in UTC; a browser knows where its user is.
  for (const time of document.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    time.title = `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  }
  const sending = document.querySelector("[data-offset]");
  if (sending) {
    const at = sending.elements.at;
    const zone = sending.querySelector("[data-zone]");
    zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "your time";
    const note = () => {
      sending.elements.offset.value = new Date(at.value || Date.now()).getTimezoneOffset();
    };
    note();
    at.addEventListener("input", () => {
      note();
      sending.querySelector("[name=when][value=later]").checked = true;
    });
  }
});

// When a campaign that was watched changes its state, its buttons and its chart change too.
let watchedState = "";
document.addEventListener("DOMContentLoaded", () => {
  const figures = document.getElementById("figures");
  watchedState = figures ? figures.dataset.state : "";
});
document.addEventListener("htmx:afterSwap", () => {
  const figures = document.getElementById("figures");
  if (figures && figures.dataset.state !== watchedState) window.location.reload();
});
