// The template editor: a preview that follows the typing, fields put in at the cursor, faults shown in place.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("editor");
  const place = form.querySelector("[data-frame]");
  let count = 0;
  let timer = 0;

  // The form is posted into a fresh frame, which replaces the old one when it has loaded: no flicker, and no
  // entry in the history for every letter.
  function show() {
    const frame = document.createElement("iframe");
    frame.name = `preview-${++count}`;
    frame.className = "desk-preview";
    frame.title = "Preview";
    frame.setAttribute("sandbox", "");
    frame.style.display = "none";
    place.append(frame);
    frame.addEventListener("load", () => {
      for (const old of place.querySelectorAll("iframe")) if (old !== frame) old.remove();
      frame.style.display = "";
    }, { once: false });
    const before = [form.getAttribute("action"), form.getAttribute("target")];
    form.setAttribute("action", form.dataset.preview);
    form.setAttribute("target", frame.name);
    HTMLFormElement.prototype.submit.call(form);
    for (const [name, value] of [["action", before[0]], ["target", before[1]]]) {
      if (value === null) form.removeAttribute(name); else form.setAttribute(name, value);
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 600);
  });
  show();

  document.addEventListener("click", (event) => {
    const insert = event.target.closest("[data-insert]");
    if (insert) {
      const area = form.elements.html;
      area.setRangeText(`{{ ${insert.dataset.insert} }}`, area.selectionStart, area.selectionEnd, "end");
      area.focus();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const jump = event.target.closest("[data-jump]");
    if (jump) {
      const area = form.elements[jump.dataset.jump];
      const lines = area.value.split("\n").slice(0, jump.dataset.line - 1);
      const at = lines.join("\n").length + (lines.length ? 1 : 0) + Number(jump.dataset.column) - 1;
      area.focus();
      area.setSelectionRange(at, at + 1);
      area.scrollTop = Math.max(0, (lines.length - 4) * 19.5);
    }
  });
});
