// Tells when mail has come in. Without scripts the page is complete, it just has to be reloaded by hand.
"use strict";

const notice = document.getElementById("news");
if (notice) {
  const known = Number(notice.dataset.count);
  const search = new URLSearchParams(location.search);
  search.delete("page");

  const look = async () => {
    if (document.hidden) return;
    const response = await fetch("/api/count?" + search).catch(() => null);
    if (!response || !response.ok) return;
    const more = (await response.json()).count - known;
    if (more === 0) return;
    notice.textContent = more > 0 ? `${more} new` : "Show changes";
    notice.hidden = false;
  };
  setInterval(look, 3000);
}

const clear = document.getElementById("clear");
if (clear) {
  clear.addEventListener("submit", (event) => {
    if (!confirm("Delete all mails?")) event.preventDefault();
  });
}
