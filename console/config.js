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
  asked ??= fetch("config.json", { cache: "no-cache" })
    .then(contentOf)
    .catch((error) => {
      asked = undefined; // the next try asks again
      throw error;
    });
  return asked;
}

/** A good answer's JSON: what an error has for a body must not be taken for it. @param {Response} answer @returns {Promise<any>} */
export function contentOf(answer) {
  if (!answer.ok) throw new TypeError(`${answer.url} answers ${answer.status}`);
  return answer.json();
}
