// Single fields of forms.
import { html, useId } from "../html.js";

export const TIERS = ["free", "standard", "performance"];

/**
 * @param {{label: string, value: string, options: (string | [string, string])[], onChange: (value: string) => void}} props
 */
export function Choice({ label, value, options, onChange }) {
  return html`
    <label>${label}
      <select value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
        ${options.map((option) => {
          const [name, text] = Array.isArray(option) ? option : [option, option];
          return html`<option value=${name} selected=${name === value}>${text}</option>`;
        })}
      </select>
    </label>
  `;
}

/** @param {{label: string, value: boolean, onChange: (value: boolean) => void}} props */
export const Tick = ({ label, value, onChange }) => html`
  <label class="inline">
    <input type="checkbox" checked=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.checked)} />${label}
  </label>
`;

/** @param {{label: string, value: string, hint: string, wrong?: string, placeholder?: string, required?: boolean, onInput: (value: string) => void}} props */
export function Text({ label, value, hint, wrong = "", placeholder = "", required = false, onInput }) {
  const id = useId();
  return html`
    <div>
      <label for=${id}><span>${label}${required && html` <span class="hint">required</span>`}</span></label>
      <input id=${id} value=${value} placeholder=${placeholder} required=${required} aria-describedby=${`${id}-hint`} aria-invalid=${wrong ? "true" : "false"} autocomplete="off" spellcheck="false"
        onInput=${(/** @type {any} */ event) => onInput(event.target.value)} />
      <div id=${`${id}-hint`}>${wrong ? html`<div class="wrong">${wrong}</div>` : html`<div class="hint">${hint}</div>`}</div>
    </div>
  `;
}
