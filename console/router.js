// Which page is shown: the part of the address behind `#`, so that one file serves every page.
import { signal } from "./html.js";

/** @typedef {{parts: string[], query: URLSearchParams}} Place */

/** Where the browser is. @type {{value: Place}} */
export const place = signal(read());

/** Looks at the address again, after it was changed without an event. */
export const reread = () => {
  place.value = read();
};

/** A part of the address; one that is no encoding of anything leads nowhere as it stands. @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

addEventListener("hashchange", () => {
  const before = place.value.parts.join("/");
  place.value = read();
  // Another page: begin at its top, with the keyboard and the screen reader at its heading.
  if (place.value.parts.join("/") !== before) {
    scrollTo(0, 0);
    requestAnimationFrame(() => document.querySelector("h1")?.focus({ preventScroll: true }));
  }
});

/** @param {string} target such as `/installed/acme/weather` */
export const go = (target) => {
  location.hash = target;
};

/**
 * Changes the query of the present page without a step in the history: a search that is still being typed.
 * @param {Record<string, string>} query empty values are left out
 */
export function setQuery(query) {
  const kept = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  history.replaceState(null, "", `#/${place.value.parts.map(encodeURIComponent).join("/")}${kept.size ? `?${kept}` : ""}`);
  reread();
}
