// A provider's config_schema as a form's fields, and the problems of what is typed into them.

/**
 * @typedef {object} Field
 * @property {string} key
 * @property {string} label
 * @property {string} description
 * @property {string} type the JSON Schema type, "string" where it names none
 * @property {boolean} required
 * @property {boolean} secret
 * @property {string[] | null} options
 * @property {string} initial
 * @property {Record<string, any>} rules the key's own schema
 */

/** The bounds that the API sets (contract, section 3). */
export const MOST_KEYS = 64;
const KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SECRET = /secret|token|passw|passphrase|credential|(api|private|access|signing)_?key/i;

/** Whether a value should not stand on the screen. @param {string} key @param {Record<string, any>} [rules] */
export const isSecret = (key, rules = {}) =>
  rules.writeOnly === true || rules.format === "password" || SECRET.test(key);

/** The provider's own config schema of a version, null where it has none. @param {import("./types.js").Version} version */
export const configSchemaOf = (version) =>
  version.schemas.find((schema) => schema.resource === "provider")?.config_schema ?? null;

/** @param {import("./types.js").JsonSchema | null} schema @returns {Field[]} the required ones first */
export function fieldsOf(schema) {
  const required = new Set(schema?.required ?? []);
  const fields = Object.entries(schema?.properties ?? {}).map(([key, part]) => {
    const rules = typeof part === "object" ? part : {};
    return {
      key,
      label: rules.title ?? key,
      description: rules.description ?? "",
      type: Array.isArray(rules.type) ? rules.type[0] : rules.type ?? "string",
      required: required.has(key),
      secret: isSecret(key, rules),
      options: optionsOf(rules),
      initial: asText(rules.default),
      rules,
    };
  });
  return fields.sort((one, other) => Number(other.required) - Number(one.required));
}

/** Whether keys are taken that the schema does not name. @param {import("./types.js").JsonSchema | null} schema */
export const takesOthers = (schema) => schema?.additionalProperties !== false;

/** @param {Record<string, any>} rules */
function optionsOf(rules) {
  if (Array.isArray(rules.enum)) return rules.enum.map(asText);
  if (rules.type === "boolean") return ["true", "false"];
  return null;
}

/** A value as the environment variable will hold it. @param {any} value */
function asText(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What is wrong with a field's text, in a sentence; empty where it is fine. @param {Field} field @param {string} text */
export function problemOf(field, text) {
  if (text === "") return field.required ? "This is required." : "";
  const { rules } = field;
  if (field.options && !field.options.includes(text)) return `Choose one of ${field.options.join(", ")}.`;
  if (rules.const !== undefined && text !== asText(rules.const)) return `This must be ${asText(rules.const)}.`;
  if (field.type === "integer" || field.type === "number") return numberProblem(field, text);
  if (field.type === "array" || field.type === "object") return jsonProblem(field.type, text);
  return textProblem(rules, text);
}

/** @param {Field} field @param {string} text */
function numberProblem({ type, rules }, text) {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) return "Write a number.";
  if (type === "integer" && !Number.isInteger(number)) return "Write a whole number.";
  if (number < rules.minimum) return `At least ${rules.minimum}.`;
  if (number > rules.maximum) return `At most ${rules.maximum}.`;
  if (number <= rules.exclusiveMinimum) return `More than ${rules.exclusiveMinimum}.`;
  if (number >= rules.exclusiveMaximum) return `Less than ${rules.exclusiveMaximum}.`;
  if (rules.multipleOf && !Number.isInteger(number / rules.multipleOf)) return `A multiple of ${rules.multipleOf}.`;
  return "";
}

/** @param {string} type @param {string} text */
function jsonProblem(type, text) {
  try {
    const value = JSON.parse(text);
    const fits = type === "array" ? Array.isArray(value) : typeof value === "object" && !Array.isArray(value);
    return fits ? "" : `Write a JSON ${type}.`;
  } catch {
    return `Write a JSON ${type}, such as ${type === "array" ? '["a", "b"]' : '{"a": 1}'}.`;
  }
}

/** @param {Record<string, any>} rules @param {string} text */
function textProblem(rules, text) {
  const length = [...text].length;
  if (length < rules.minLength) return `At least ${rules.minLength} characters; this has ${length}.`;
  if (length > rules.maxLength) return `At most ${rules.maxLength} characters; this has ${length}.`;
  if (typeof rules.pattern === "string" && !matches(rules.pattern, text)) return `This must match ${rules.pattern}.`;
  return "";
}

/** What a pattern may take, as `stepsOf` counts: a form has up to 64 fields, and checks them at every key. */
const MOST_STEPS = 1_000_000;

/**
 * A pattern that this browser does not know, or that a publisher may have made to hold it up, is left to the API.
 * @param {string} pattern @param {string} text
 */
function matches(pattern, text) {
  if (stepsOf(pattern, text.length) > MOST_STEPS) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/**
 * No pattern without a repeated group takes more steps than this: each repetition may end at any character, each `?` and
 * `|` has two ways to go on, and every way may be tried to the pattern's end. A repeated group has no such bound.
 * @param {string} pattern @param {number} length of the text
 */
function stepsOf(pattern, length) {
  const bare = pattern.replace(/\\./gsu, "a").replace(/\[[^\]]*\]/g, "a").replace(/\(\?/g, "(");
  if (/\)[*+{]/.test(bare)) return Infinity;
  const beginnings = bare.startsWith("^") && !bare.includes("|") ? 1 : length + 1;
  const count = (/** @type {RegExp} */ sign) => (bare.match(sign) ?? []).length;
  return beginnings * (length + 1) ** count(/[*+]|\{\d+,/g) * 2 ** count(/[?|]/g) * (pattern.length + length);
}

/** What is wrong with a key that somebody adds. @param {string} key @param {string[]} others */
export function keyProblem(key, others) {
  if (!KEY.test(key)) return "Letters, digits and underscores, no digit first.";
  return others.includes(key) ? "This key is there already." : "";
}
