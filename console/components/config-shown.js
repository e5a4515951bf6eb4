// The config as it is: values come into sight one by one, since somebody may look over the shoulder.
import { html, useState } from "../html.js";

/** @param {{config: Record<string, string>, secrets: string[]}} props */
export function ConfigShown({ config, secrets }) {
  const keys = Object.keys(config).sort();
  if (!keys.length && !secrets.length) return html`<p class="quiet">No config.</p>`;
  return html`
    <dl class="facts">
      ${keys.map((key) => html`<${Pair} key=${key} name=${key} value=${config[key]} />`)}
      ${secrets.map((key) => html`<dt class="mono">${key}</dt><dd class="quiet">secret: shown to nobody</dd>`)}
    </dl>
  `;
}

/** @param {{name: string, value: string}} props */
function Pair({ name, value }) {
  const [shown, setShown] = useState(false);
  return html`
    <dt class="mono">${name}</dt>
    <dd class="shown-secret">
      <span class="mono">${shown ? value || "(empty)" : "••••••"}</span>
      <button type="button" class="button small" aria-label=${`${shown ? "Hide" : "Show"} ${name}`} onClick=${() => setShown(!shown)}>
        ${shown ? "Hide" : "Show"}
      </button>
    </dd>
  `;
}
