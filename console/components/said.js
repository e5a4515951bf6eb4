// What was just done, in a line at the foot that goes away by itself; and whether the hub answers at all.
import { reachable } from "../api.js";
import { signIn, signOut } from "../auth.js";
import { html, signal } from "../html.js";

const SHOWN_MS = 6000;
const latest = signal("");
let timer = 0;

/** @param {string} sentence */
export function say(sentence) {
  latest.value = sentence;
  clearTimeout(timer);
  timer = setTimeout(() => {
    latest.value = "";
  }, SHOWN_MS);
}

/** Leads to the sign-in page, or says at the foot that it cannot be reached. @param {Parameters<typeof signIn>[0]} [how] */
export const beginSignIn = (how) => signIn(how).catch(() => say("The sign-in page cannot be reached. Try again in a moment."));

/** Ends the session, or says what is left of it. */
export const leave = () =>
  signOut().catch(() => say("You are signed out here. The issuer cannot be reached: it may sign you in again without asking."));

/** The foot itself: it lies over the page, so that nothing moves when it comes. */
export function Said() {
  return html`
    <div class="said">
      <div role="status">${latest.value && html`<p>${latest.value}</p>`}</div>
      <div role="alert">
        ${!reachable.value &&
        html`<p class="lost">The hub does not answer. What runs goes on running; this page asks again by itself.</p>`}
      </div>
    </div>
  `;
}
