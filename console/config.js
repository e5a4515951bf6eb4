// Where people sign in: the one thing that differs from one deployment to the next.

/**
 * @typedef {object} Config
 * @property {string} issuer
 * @property {string} client_id
 * @property {string[]} scopes
 */

/** @type {Promise<Config> | undefined} */
let asked;

/** The deployment's config, asked for once. @returns {Promise<Config>} */
export function config() {
  asked ??= fetch("config.json", { cache: "no-cache" }).then((answer) => answer.json());
  return asked;
}
