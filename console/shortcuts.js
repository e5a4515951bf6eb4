// Keys that work on every page, and on some. `?` lists them.
import { go } from "./router.js";
import { signal } from "./html.js";

/** Whether the list of shortcuts is open. */
export const listed = signal(false);

/** @type {{keys: string, does: string, target?: string}[]} */
export const SHORTCUTS = [
  { keys: "g i", does: "Installations", target: "/installed" },
  { keys: "g c", does: "Catalog", target: "/catalog" },
  { keys: "g p", does: "Publishing", target: "/publishing" },
  { keys: "g d", does: "Dead letters", target: "/dead-letters" },
  { keys: "g o", does: "Organization", target: "/organization" },
  { keys: "g a", does: "Audit", target: "/audit" },
  { keys: "/", does: "Search, or filter the list" },
  { keys: "j", does: "Next row of a list" },
  { keys: "k", does: "Row before" },
  { keys: "?", does: "This list" },
  { keys: "Esc", does: "Close a dialog" },
];
const CHORD_MS = 1200;

let first = "";
let firstAt = 0;

/** Begin to listen. */
export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (pressed(event.key)) event.preventDefault();
  });
}

/** @param {string} key @returns {boolean} whether it meant something */
function pressed(key) {
  const chord = first === "g" && performance.now() - firstAt < CHORD_MS ? `g ${key}` : key;
  [first, firstAt] = [key, performance.now()];
  const target = SHORTCUTS.find((shortcut) => shortcut.keys === chord)?.target;
  if (target) go(target);
  else if (key === "?") listed.value = true;
  else if (key === "/") return focusOn(document.querySelector("input[type=search]"));
  else if (key === "j" || key === "k") return moveBy(key === "j" ? 1 : -1);
  else return false;
  return true;
}

/** @param {number} rows */
function moveBy(rows) {
  const all = [...document.querySelectorAll("[data-row]")];
  const at = all.findIndex((row) => row.contains(document.activeElement));
  return focusOn(all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + rows))]?.querySelector("a, button"));
}

/** @param {Element | null | undefined} element */
function focusOn(element) {
  if (element instanceof HTMLElement) element.focus();
  return element instanceof HTMLElement;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}
