// A JSON Schema as a table: what there is to set, of which type, and within which bounds.
import { html } from "../html.js";

const BOUNDS = {
  enum: (/** @type {any[]} */ values) => `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
  const: (/** @type {any} */ value) => `always ${JSON.stringify(value)}`,
  default: (/** @type {any} */ value) => `${JSON.stringify(value)} if left out`,
  minimum: (/** @type {any} */ value) => `at least ${value}`,
  maximum: (/** @type {any} */ value) => `at most ${value}`,
  exclusiveMinimum: (/** @type {any} */ value) => `more than ${value}`,
  exclusiveMaximum: (/** @type {any} */ value) => `less than ${value}`,
  minLength: (/** @type {any} */ value) => `at least ${value} characters`,
  maxLength: (/** @type {any} */ value) => `at most ${value} characters`,
  pattern: (/** @type {any} */ value) => `matches ${value}`,
  format: (/** @type {any} */ value) => `format ${value}`,
};

/** @param {{schema: import("../types.js").JsonSchema | null, label: string}} props */
export function SchemaTable({ schema, label }) {
  const properties = Object.entries(schema?.properties ?? {});
  if (!schema) return html`<p class="quiet">None.</p>`;
  if (!properties.length) return html`<pre class="scroll mono" tabindex="0" aria-label=${label}>${JSON.stringify(schema, null, 2)}</pre>`;
  const required = new Set(schema.required ?? []);
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label=${label}>
      <table>
        <thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
        <tbody>
          ${properties.map(
            ([name, rules]) => html`
              <tr key=${name}>
                <td class="mono">${name}${required.has(name) && html`<div class="hint">required</div>`}</td>
                <td>${typeOf(rules)}</td>
                <td>${rules.description}${boundsOf(rules).map((bound) => html`<div class="hint">${bound}</div>`)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {any} rules */
const typeOf = (rules) => (Array.isArray(rules.type) ? rules.type.join(" or ") : rules.type ?? "any");

/** @param {any} rules @returns {string[]} */
function boundsOf(rules) {
  const found = Object.entries(BOUNDS).filter(([name]) => rules[name] !== undefined);
  return found.map(([name, say]) => say(rules[name]));
}
