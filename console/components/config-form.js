// A form for a provider's config, made from its config_schema and checked while one types.
import { html, useId } from "../html.js";
import { isSecret, keyProblem, MOST_KEYS, problemOf } from "../schema.js";
import { Tick } from "./inputs.js";

/**
 * What is typed: the schema's fields by their keys, and the pairs that somebody adds. `kept` are the secrets that the hub
 * has and shows to nobody: where nothing is written, they stay; `removed` are those of them that shall go.
 * @typedef {{key: string, value: string, secret?: boolean}} Other secret: as somebody ticked it, else by its name
 * @typedef {{values: Record<string, string>, others: Other[], kept: string[], removed: string[]}} Typed
 * @typedef {import("../schema.js").Field} Field
 * @typedef {Record<string, string | {secret: string | null}>} Config
 */

/**
 * @param {Field[]} fields @param {Record<string, string> | null} config the present one, null before the first
 * @param {string[]} [kept] @returns {Typed}
 */
export function typedFrom(fields, config, kept = []) {
  const known = new Set(fields.map((field) => field.key));
  return {
    values: Object.fromEntries(fields.map((field) => [field.key, config ? config[field.key] ?? "" : field.initial])),
    others: Object.entries(config ?? {}).filter(([key]) => !known.has(key)).map(([key, value]) => ({ key, value })),
    kept,
    removed: [],
  };
}

/** What is written, by its keys; what is empty is left out. @param {Typed} typed @returns {Record<string, string>} */
export function writtenIn({ values, others }) {
  const pairs = [...Object.entries(values).filter(([, value]) => value !== ""), ...others.filter(({ key }) => key).map(({ key, value }) => [key, value])];
  return Object.fromEntries(pairs);
}

/**
 * The config that the API gets: a secret as one, which no answer ever shows again.
 * @param {Field[]} fields @param {Typed} typed
 * @param {Record<string, string>} [open] values that are no secret so far, and stay so while nobody changes them
 * @returns {Config}
 */
export function configFrom(fields, typed, open = {}) {
  const secrets = new Set([...fields, ...typed.others.map(withSecrecy)].filter((one) => one.secret).map((one) => one.key));
  const ticked = new Set(typed.others.filter((other) => other.secret).map((other) => other.key));
  const sealed = (/** @type {string} */ key, /** @type {string} */ value) =>
    ticked.has(key) || (secrets.has(key) && open[key] !== value) ? { secret: value } : value;
  const written = Object.entries(writtenIn(typed)).map(([key, value]) => [key, sealed(key, value)]);
  return Object.fromEntries([...typed.removed.map((key) => [key, { secret: null }]), ...written]);
}

/** @param {Other} other */
const withSecrecy = (other) => ({ ...other, secret: other.secret ?? isSecret(other.key) });

/** What is wrong with a field; a secret that is kept is there. @param {Field} field @param {Typed} typed */
function problemIn(field, { values, kept, removed }) {
  const value = values[field.key];
  return value === "" && kept.includes(field.key) && !removed.includes(field.key) ? "" : problemOf(field, value);
}

/** Whether the form can be sent. @param {Field[]} fields @param {Typed} typed */
export function isComplete(fields, typed) {
  const { others } = typed;
  const keys = [...fields.map((field) => field.key), ...others.map((other) => other.key)];
  return (
    fields.every((field) => !problemIn(field, typed)) &&
    others.every((other, at) => !keyProblem(other.key, keys.filter((_, index) => index !== fields.length + at))) &&
    keys.length <= MOST_KEYS
  );
}

/**
 * @param {{fields: Field[], open: boolean, typed: Typed, onChange: (typed: Typed) => void}} props
 *   open: keys are taken that no field is for
 */
export function ConfigForm({ fields, open, typed, onChange }) {
  const setValue = (/** @type {string} */ key, /** @type {string} */ value) =>
    onChange({ ...typed, values: { ...typed.values, [key]: value } });
  const setOthers = (/** @type {Typed["others"]} */ others) => onChange({ ...typed, others });
  return html`
    <fieldset>
      <legend>Config</legend>
      ${!fields.length && !open && html`<p class="quiet">It takes no config.</p>`}
      ${fields.map(
        (field) => html`<${FieldInput} key=${field.key} field=${field} typed=${typed} onInput=${(/** @type {string} */ value) => setValue(field.key, value)} />`,
      )}
      ${typed.kept.map((key) => html`<${Kept} key=${key} name=${key} typed=${typed} onChange=${onChange} />`)}
      ${open &&
      html`
        ${typed.others.map((other, at) => html`<${OtherInput} key=${at} typed=${typed} fields=${fields} at=${at} onChange=${setOthers} />`)}
        <div>
          <button type="button" class="button small" onClick=${() => setOthers([...typed.others, { key: "", value: "" }])}>
            Add a variable
          </button>
        </div>
      `}
    </fieldset>
  `;
}

/** A secret that the hub has. @param {{name: string, typed: Typed, onChange: (typed: Typed) => void}} props */
function Kept({ name, typed, onChange }) {
  const gone = typed.removed.includes(name);
  const removed = gone ? typed.removed.filter((other) => other !== name) : [...typed.removed, name];
  return html`
    <p class="shown-secret">
      <span><span class="mono">${name}</span> ${gone ? "will be removed" : "is kept secret"}</span>
      <button type="button" class="button small" onClick=${() => onChange({ ...typed, removed })}>${gone ? "Keep" : "Remove"}<span class="unseen"> ${name}</span></button>
    </p>
  `;
}

/** @param {{field: Field, typed: Typed, onInput: (value: string) => void}} props */
function FieldInput({ field, typed, onInput }) {
  const id = useId();
  const value = typed.values[field.key];
  const wrong = problemIn(field, typed);
  const shared = {
    id,
    "aria-describedby": `${id}-hint`,
    "aria-invalid": wrong ? "true" : "false",
    required: field.required,
    onInput: (/** @type {any} */ event) => onInput(event.target.value),
  };
  return html`
    <div>
      <label for=${id}><span>${field.label}${field.required && html` <span class="hint">required</span>`}</span></label>
      ${field.options
        ? html`<select ...${shared} value=${value}>
            <option value="">${field.required ? "choose" : "leave out"}</option>
            ${field.options.map((option) => html`<option value=${option}>${option}</option>`)}
          </select>`
        : html`<input ...${shared} type=${inputType(field)} value=${value}
            placeholder=${typed.kept.includes(field.key) ? "kept; write here to replace it" : field.initial && `${field.initial} if left out`} autocomplete=${field.secret ? "new-password" : "off"} spellcheck="false" />`}
      <div id=${`${id}-hint`}>
        ${field.description && html`<div class="hint">${field.description}</div>`}
        <div class="wrong">${wrong}</div>
      </div>
    </div>
  `;
}

/** @param {Field} field */
function inputType(field) {
  if (field.secret) return "password";
  return field.rules.format === "uri" ? "url" : field.rules.format === "email" ? "email" : "text";
}

/** @param {{typed: Typed, fields: Field[], at: number, onChange: (others: Typed["others"]) => void}} props */
function OtherInput({ typed, fields, at, onChange }) {
  const id = useId();
  const other = withSecrecy(typed.others[at]);
  const rest = typed.others.filter((_, index) => index !== at);
  const wrong = other.key ? keyProblem(other.key, [...fields, ...rest].map(({ key }) => key)) : "";
  const set = (/** @type {Partial<Other>} */ change) =>
    onChange(typed.others.map((old, index) => (index === at ? { ...old, ...change } : old)));
  return html`
    <div>
      <div class="pair">
        <label>Name
          <input value=${other.key} spellcheck="false" autocomplete="off" aria-invalid=${wrong ? "true" : "false"} aria-describedby=${id}
            onInput=${(/** @type {any} */ event) => set({ key: event.target.value })} />
        </label>
        <label>Value
          <input type=${other.secret ? "password" : "text"} value=${other.value} spellcheck="false" autocomplete="off"
            onInput=${(/** @type {any} */ event) => set({ value: event.target.value })} />
        </label>
        <button type="button" class="button" aria-label=${`Remove ${other.key || "this variable"}`} onClick=${() => onChange(rest)}>×</button>
      </div>
      <${Tick} label="A secret, which is never shown again" value=${other.secret} onChange=${(/** @type {boolean} */ secret) => set({ secret })} />
      <div class="wrong" id=${id}>${wrong}</div>
    </div>
  `;
}
