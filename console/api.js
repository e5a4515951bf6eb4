// The public API, as any client sees it: a bearer token, ETags, errors that say what to do.
import { accessToken, endSession, renew, SessionEnded } from "./auth.js";
import { signal } from "./html.js";

/** Whether the API answered the last time it was asked; a refusal of its own is an answer, also one that passes. */
export const reachable = signal(true);

/** The server's clock ahead of this one's, in milliseconds: running steps are counted by the server's times. */
let skew = 0;

/** Now, by the server's clock. */
export const serverNow = () => Date.now() + skew;

/** @typedef {{place: string, message: string}} Complaint */

/** A refusal, or an answer that did not come. `message` is the API's sentence, `advice` what to do about it. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where nothing answered
   * @param {string} message
   * @param {Complaint[]} [complaints] which field is wrong, and how
   * @param {number} [retryAfter] seconds
   */
  constructor(status, message, complaints = [], retryAfter = 1) {
    super(message);
    this.status = status;
    this.complaints = complaints;
    this.retryAfter = retryAfter;
    this.advice = adviceFor(status, retryAfter);
  }

  /** Whether the same request may well succeed later. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** @param {number} status @param {number} retryAfter */
function adviceFor(status, retryAfter) {
  if (status === 0 || status >= 500) return "What runs goes on running. Try again in a moment.";
  if (status === 401) return "Sign in again.";
  if (status === 403) return "Ask an admin of your organization to do it, or to give you the role.";
  if (status === 409) return "Look at the present state, then decide again.";
  if (status === 429) return `Wait ${retryAfter} s, then try again; or ask the operator for a larger quota.`;
  if (status === 422) return "Change what is named, then send it again.";
  return "";
}

/** @type {Map<string, {etag: string, content: any}>} */
const known = new Map();
const MOST_KNOWN = 200;

/**
 * Asks the API. An unchanged answer to a GET (304) is the very same object again, so nothing is drawn anew.
 * Raises ApiError, also where an answer breaks off or is no JSON; SessionEnded; and what a given `signal` was aborted with.
 * @param {"GET" | "POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {{body?: any, key?: string, signal?: AbortSignal}} [more] key: makes a repeated POST harmless
 * @returns {Promise<any>} null where the answer has no body
 */
export async function call(method, path, { body, key, signal: aborted } = {}) {
  try {
    return await exchange(method, path, body, key, aborted);
  } catch (error) {
    if (error instanceof ApiError || error instanceof SessionEnded || aborted?.aborted) throw error;
    reachable.value = false;
    throw new ApiError(0, "The hub does not answer.");
  }
}

/**
 * @param {string} method @param {string} path @param {any} body @param {string | undefined} key
 * @param {AbortSignal | undefined} aborted
 */
async function exchange(method, path, body, key, aborted) {
  const before = method === "GET" ? known.get(path) : undefined;
  /** @type {RequestInit} */
  const request = {
    method,
    cache: "no-store",
    signal: aborted,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(key ? { "Idempotency-Key": key } : {}),
      ...(before ? { "If-None-Match": before.etag } : {}),
    },
  };
  let answer = await send(path, request);
  if (answer.status === 401) {
    // Good by our clock and refused all the same: the keys or the clock changed. One new token, then no more.
    await renew();
    answer = await send(path, request);
    if (answer.status === 401) endSession("The hub does not take your session any more. Sign in again.");
  }
  if (!answer.ok && answer.status !== 304) throw await refusalOf(answer);
  const content = answer.status === 304 ? before?.content : answer.status === 204 ? null : await answer.json();
  reachable.value = true;
  if (method === "GET" && answer.status === 200) remember(path, answer.headers.get("ETag"), content);
  return content;
}

/** Forgets every answer: another person must not see them. */
export const forget = () => known.clear();

/** @param {string} path @param {RequestInit} request */
async function send(path, request) {
  const token = await accessToken();
  const headers = { ...request.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...request, headers, credentials: "omit" });
  noteClock(answer);
  return answer;
}

/** @param {Response} answer */
function noteClock(answer) {
  const date = Date.parse(answer.headers.get("Date") ?? "");
  // The header has whole seconds: less than that says nothing.
  if (date) skew = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
}

/** @param {string} path @param {string | null} etag @param {any} content */
function remember(path, etag, content) {
  if (!etag) return;
  known.delete(path);
  known.set(path, { etag, content });
  if (known.size > MOST_KNOWN) known.delete([...known.keys()][0]);
}

/** @param {Response} answer @returns {Promise<ApiError>} */
async function refusalOf(answer) {
  const said = (await answer.json().catch(() => null)) ?? {};
  // A load balancer answers for a hub that is gone, but never with the hub's own words.
  reachable.value = answer.status < 500 || said.detail !== undefined;
  const problems = Array.isArray(said.detail) ? said.detail : said.errors ?? [];
  const sentence = typeof said.detail === "string" ? said.detail : said.message;
  const complaints = problems.map((/** @type {any} */ problem) => ({
    place: (problem.loc ?? []).slice(1).join("."),
    message: problem.msg,
  }));
  const retryAfter = Number(answer.headers.get("Retry-After") ?? 1);
  return new ApiError(answer.status, capital(sentence ?? `The hub answers ${answer.status}.`), complaints, retryAfter);
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The path of an installation. @param {string} canonical @param {string} [rest] */
export const installedPath = (canonical, rest = "") => `/providers/installed/${canonical}${rest}`;

/** The path of a provider in the catalog. @param {string} canonical @param {string} [rest] */
export const providerPath = (canonical, rest = "") => `/providers/${canonical}${rest}`;
