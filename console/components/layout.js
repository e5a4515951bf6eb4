// The header, the navigation, and the list of shortcuts.
import { may, person } from "../auth.js";
import { html } from "../html.js";
import { place } from "../router.js";
import { listed, SHORTCUTS } from "../shortcuts.js";
import { Dialog } from "./dialog.js";
import { beginSignIn, leave, Said } from "./said.js";

const PAGES = [
  ["installed", "Installations"],
  ["catalog", "Catalog"],
  ["publishing", "Publishing"],
  ["dead-letters", "Dead letters"],
  ["organization", "Organization"],
  ["audit", "Audit"],
];

/** @param {{children?: any}} props */
export function Layout({ children }) {
  const who = person.value;
  const here = place.value.parts[0] ?? "installed";
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="#/"><span class="mark" aria-hidden="true"></span><span class="brand-name">Provider Hub</span></a>
      <nav aria-label="Main">
        ${(who ? PAGES : PAGES.slice(1, 2)).map(
          ([name, label]) => html`<a href=${`#/${name}`} aria-current=${here === name ? "page" : undefined}>${label}</a>`,
        )}
      </nav>
      <div class="who">
        ${who
          ? html`<span title=${who.email ?? who.subject}>${who.organizationName}${who.role && html` <span class="quiet">${who.role}</span>`}</span>
              <button type="button" class="button small" onClick=${leave}>Sign out</button>`
          : html`<button type="button" class="button small primary" onClick=${() => beginSignIn()}>Sign in</button>`}
        <button type="button" class="button small" aria-label="Keyboard shortcuts" onClick=${() => (listed.value = true)}>?</button>
      </div>
    </header>
    <main id="main">${children}</main>
    ${listed.value && html`<${Shortcuts} />`}
    <${Said} />
  `;
}

function Shortcuts() {
  const close = () => {
    listed.value = false;
  };
  return html`
    <${Dialog} title="Keyboard shortcuts" onClose=${close}>
      <dl class="shortcuts">
        ${SHORTCUTS.map(
          ({ keys, does }) => html`<div><dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${does}</dd></div>`,
        )}
      </dl>
      <div class="buttons"><button type="button" class="button" onClick=${close}>Close</button></div>
    <//>
  `;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.querySelector("h1")?.focus();
}

/**
 * A button for who has the right to it; for others it says what is missing.
 * @param {{needs: "publish" | "manage", onClick: () => void, class?: string, children?: any}} props
 */
export function RightButton({ needs, onClick, class: name = "", children }) {
  const allowed = may(needs);
  const role = needs === "manage" ? "admin" : "publisher or admin";
  const why = allowed ? undefined : `Your role is ${person.value?.role}: this takes ${role}.`;
  return html`
    <button
      type="button"
      class=${`button ${name}`}
      aria-disabled=${!allowed}
      title=${why}
      aria-description=${why}
      onClick=${() => allowed && onClick()}
    >${children}</button>
  `;
}
