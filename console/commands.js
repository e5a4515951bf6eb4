// The `hub` command that does the same as a button: what is learnt here can be scripted.

/** A word as a shell takes it. @param {string} word */
export const quoted = (word) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`);

/** @param {...(string | false | null | undefined)} words */
export const hub = (...words) => ["hub", ...words.filter((word) => word)].map((word) => quoted(String(word))).join(" ");

/**
 * Config as options; secrets go by a file, since a list of processes shows options.
 * @param {Record<string, string>} config @param {(key: string) => boolean} isSecret @returns {string[]}
 */
export function configOptions(config, isSecret) {
  const open = Object.entries(config).filter(([key]) => !isSecret(key));
  const options = open.flatMap(([key, value]) => ["--config", `${key}=${value}`]);
  return open.length < Object.keys(config).length ? [...options, "--config-file", "secrets.env"] : options;
}
