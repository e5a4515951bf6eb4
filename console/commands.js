// The `hub` command that does the same as a button: what is learnt here can be scripted.

/** A word as a shell takes it. @param {string} word */
export const quoted = (word) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`);

/** @param {...(string | false | null | undefined)} words */
export const hub = (...words) => ["hub", ...words.filter((word) => word)].map((word) => quoted(String(word))).join(" ");

/**
 * Config as options; a secret's value comes from the environment, since a list of processes shows options.
 * @param {import("./components/config-form.js").Config} config @returns {string[]}
 */
export const configOptions = (config) =>
  Object.entries(config).flatMap(([key, value]) => (typeof value === "string" ? ["--config", `${key}=${value}`] : ["--secret", key]));
