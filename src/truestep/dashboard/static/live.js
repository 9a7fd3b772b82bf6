// Fetches the page again when the server says that something has changed. Without scripts the pages work as well.
"use strict";

const events = new EventSource("/events");
let isFetching = false;
let isStale = false;

async function renew() {
  if (isFetching) {
    isStale = true;
    return;
  }
  isFetching = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    for (const part of ["main", "footer"]) {
      document.querySelector(part).replaceWith(fresh.querySelector(part));
    }
    const again = focused && document.querySelector(`main a[href="${CSS.escape(focused)}"]`);
    if (again) again.focus({ preventScroll: true });
  } finally {
    isFetching = false;
    if (isStale) {
      isStale = false;
      setTimeout(renew, 1000);
    }
  }
}

events.addEventListener("changed", (event) => {
  if (event.data !== document.querySelector("main").dataset.version) renew();
});
