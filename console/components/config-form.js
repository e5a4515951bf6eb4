// A form for a provider's config, made from its config_schema and checked while one types.
import { html, useId } from "../html.js";
import { isSecret, keyProblem, MOST_KEYS, problemOf } from "../schema.js";
import { Tick } from "./inputs.js";

/**
 * What is typed: the schema's fields by their keys, and the pairs that somebody adds. `kept` are the secrets that the hub
 * has and shows to nobody: where nothing is written, they stay; `removed` are those of them that shall go. `sealed` are the
 * fields that stay secret whatever the schema says: they were when another version was chosen.
 * @typedef {{key: string, value: string, secret?: boolean}} Other secret: as somebody ticked it, else by its name
 * @typedef {{values: Record<string, string>, others: Other[], kept: string[], removed: string[], sealed: string[]}} Typed
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
    sealed: [],
  };
}

/**
 * What was typed into one version's form, in the form of another: what was a secret stays one, in whichever kind of field.
 * A default that nobody touched goes no further than the fields that have one.
 * @param {Field[]} next @param {Field[]} fields those of before @param {Typed} typed @returns {Typed}
 */
export function carriedTo(next, fields, typed) {
  const pairs = [...fields.map((field) => ({ key: field.key, value: typed.values[field.key], secret: isSealed(field, typed) })), ...named(typed)];
  const known = new Map(pairs.map((pair) => [pair.key, pair]));
  const untouched = new Set(fields.filter(({ key, initial }) => typed.values[key] === initial || typed.values[key] === "").map(({ key }) => key));
  const taken = new Set(next.map((field) => field.key));
  return {
    ...typed,
    values: Object.fromEntries(next.map((field) => [field.key, known.get(field.key)?.value ?? field.initial])),
    others: pairs.filter(({ key }) => !taken.has(key) && !untouched.has(key)),
    sealed: pairs.filter((pair) => pair.secret).map((pair) => pair.key),
  };
}

/** @param {Field} field @param {Typed} typed */
const isSealed = (field, typed) => field.secret || typed.sealed.includes(field.key);

/** The added pairs that have a name: a row that somebody has only opened is none yet. @param {Typed} typed */
const named = (typed) => typed.others.filter(({ key }) => key).map(withSecrecy);

/** What is written, by its keys; what is empty is left out. @param {Typed} typed @returns {Record<string, string>} */
function writtenIn({ values, others }) {
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
  const secrets = new Set([...fields.filter((field) => isSealed(field, typed)), ...named(typed).filter((other) => other.secret)].map((one) => one.key));
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

/**
 * What is wrong with a pair that somebody added; nothing yet where it is a row without a word in it.
 * @param {Field[]} fields @param {Typed} typed @param {number} at @param {boolean} open
 */
function problemOfOther(fields, typed, at, open) {
  const { key, value } = typed.others[at];
  if (!key) return value ? "Name it, or remove it." : "";
  if (!open) return "This version takes no such variable: remove it.";
  return keyProblem(key, [...fields, ...typed.others.filter((_, index) => index !== at)].map((other) => other.key));
}

/** What is wrong with the number of keys, with the secrets that stay. @param {Typed} typed */
function problemOfCount(typed) {
  const written = writtenIn(typed);
  const staying = typed.kept.filter((key) => !typed.removed.includes(key) && !(key in written));
  const count = Object.keys(written).length + staying.length;
  return count > MOST_KEYS ? `At most ${MOST_KEYS} variables are taken; these are ${count}.` : "";
}

/** Whether the form can be sent. @param {Field[]} fields @param {Typed} typed @param {boolean} open */
export function isComplete(fields, typed, open) {
  return (
    fields.every((field) => !problemIn(field, typed)) &&
    typed.others.every((_, at) => !problemOfOther(fields, typed, at, open)) &&
    !problemOfCount(typed)
  );
}

/**
 * @param {{fields: Field[], open: boolean, typed: Typed, onChange: (typed: Typed) => void}} props
 *   open: keys are taken that no field is for
 */
export function ConfigForm({ fields, open, typed, onChange }) {
  const setValue = (/** @type {string} */ key, /** @type {string} */ value) =>
    onChange({ ...typed, values: { ...typed.values, [key]: value } });
  const tooMany = problemOfCount(typed);
  const setOthers = (/** @type {Typed["others"]} */ others) => onChange({ ...typed, others });
  return html`
    <fieldset>
      <legend>Config</legend>
      ${!fields.length && !open && !typed.others.length && html`<p class="quiet">It takes no config.</p>`}
      ${fields.map(
        (field) => html`<${FieldInput} key=${field.key} field=${field} typed=${typed} onInput=${(/** @type {string} */ value) => setValue(field.key, value)} />`,
      )}
      ${typed.kept.map((key) => html`<${Kept} key=${key} name=${key} typed=${typed} onChange=${onChange} />`)}
      ${typed.others.map(
        (_, at) => html`<${OtherInput} key=${at} typed=${typed} at=${at} wrong=${problemOfOther(fields, typed, at, open)} onChange=${setOthers} />`,
      )}
      ${open &&
      html`<div>
        <button type="button" class="button small" onClick=${() => setOthers([...typed.others, { key: "", value: "" }])}>
          Add a variable
        </button>
      </div>`}
      ${tooMany && html`<div class="wrong" role="alert">${tooMany}</div>`}
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
  const sealed = isSealed(field, typed);
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
        : html`<input ...${shared} type=${sealed ? "password" : inputType(field)} value=${value}
            placeholder=${typed.kept.includes(field.key) ? "kept; write here to replace it" : field.initial && `${field.initial} if left out`} autocomplete=${sealed ? "new-password" : "off"} spellcheck="false" />`}
      <div id=${`${id}-hint`}>
        ${field.description && html`<div class="hint">${field.description}</div>`}
        <div class="wrong">${wrong}</div>
      </div>
    </div>
  `;
}

/** @param {Field} field */
function inputType(field) {
  return field.rules.format === "uri" ? "url" : field.rules.format === "email" ? "email" : "text";
}

/** @param {{typed: Typed, at: number, wrong: string, onChange: (others: Typed["others"]) => void}} props */
function OtherInput({ typed, at, wrong, onChange }) {
  const id = useId();
  const other = withSecrecy(typed.others[at]);
  const rest = typed.others.filter((_, index) => index !== at);
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
