// Signing in at the customers' issuer: OAuth code + PKCE (RFC 7636). Tokens live in this module's memory and nowhere else.
import { config, contentOf } from "./config.js";
import { signal } from "./html.js";

/**
 * Who is signed in, as the token says it. The API decides what they may do; this only chooses what to offer.
 * @typedef {object} Person
 * @property {string} subject
 * @property {string | null} email
 * @property {string} organizationId
 * @property {string} slug
 * @property {string} organizationName
 * @property {string | null} role
 */

/** @type {{value: Person | null}} */
export const person = signal(null);
/** Why nobody is signed in any more, in a sentence; empty where that needs no reason. */
export const endedBecause = signal("");

// The verifier has to survive the way to the issuer and back; it is of use once, and removed on the return.
const PENDING = "hub.sign-in";
// That somebody signed in here, so that a reload asks the issuer again without showing a page. No secret.
const SIGNED_IN = "hub.signed-in";
const RENEW_BEFORE_MS = 30_000;

/** @type {{access: string, refresh: string | null, expiresAt: number} | null} */
let tokens = null;
/** @type {Promise<void> | null} */
let renewing = null;

/** The session has ended at the issuer: only the person can begin another. */
export class SessionEnded extends Error {}

/** Ends a session that cannot be renewed, and says why. @param {string} why */
export function endSession(why) {
  tokens = null;
  person.value = null;
  endedBecause.value = why;
  sessionStorage.removeItem(SIGNED_IN);
}

/**
 * An access token that is good for a while yet, null where nobody is signed in.
 * Raises SessionEnded; TypeError where the issuer cannot be reached.
 * @returns {Promise<string | null>}
 */
export async function accessToken() {
  if (tokens && tokens.expiresAt - Date.now() < RENEW_BEFORE_MS) await renew();
  return tokens?.access ?? null;
}

/** Gets the next tokens; calls at the same time share one exchange, since a refresh token is good once. */
export function renew() {
  renewing ??= exchangeRefreshToken().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function exchangeRefreshToken() {
  if (!tokens?.refresh) return refuse();
  const answer = await atTokenEndpoint({ grant_type: "refresh_token", refresh_token: tokens.refresh });
  return answer ? keep(answer) : refuse();
}

function refuse() {
  endSession("Your session has ended. Sign in again to go on where you were.");
  throw new SessionEnded("the session has ended");
}

/**
 * Leads to the issuer, and back to the page of this moment.
 * @param {{silent?: boolean, choose?: boolean}} [how] silent: no page is shown; choose: as somebody else
 */
export async function signIn({ silent = false, choose = false } = {}) {
  const [{ client_id, scopes }, { authorization_endpoint }] = await Promise.all([config(), discovery()]);
  const verifier = random(48);
  const state = random(16);
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, page: location.hash }));
  const query = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri(),
    state,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: "S256",
    ...(scopes.length ? { scope: scopes.join(" ") } : {}),
    ...(silent ? { prompt: "none" } : choose ? { prompt: "select_account" } : {}),
  });
  location.assign(`${authorization_endpoint}?${query}`);
}

/** Ends the session here and at the issuer. */
export async function signOut() {
  endSession("");
  const [{ client_id }, { end_session_endpoint }] = await Promise.all([config(), discovery()]);
  if (!end_session_endpoint) return;
  const query = new URLSearchParams({ client_id, post_logout_redirect_uri: redirectUri() });
  location.assign(`${end_session_endpoint}?${query}`);
}

/**
 * Takes what the issuer led back with, or asks it silently after a reload. Call it once, before anything is shown.
 * @returns {Promise<"ready" | "leaving">} leaving: the browser is on its way to the issuer
 */
export async function resumeSession() {
  const answer = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (answer.has("state")) {
    history.replaceState(null, "", location.pathname + (pending?.page ?? ""));
    await finish(answer, pending);
    return "ready";
  }
  if (!sessionStorage.getItem(SIGNED_IN)) return "ready";
  await signIn({ silent: true });
  return "leaving";
}

/**
 * @param {URLSearchParams} answer
 * @param {{verifier: string, state: string} | null} pending
 */
async function finish(answer, pending) {
  // An answer that this tab did not ask for may be another person's session, planted by a link.
  if (!pending || pending.state !== answer.get("state")) {
    return endSession("That sign-in was not begun in this tab. Sign in again.");
  }
  const code = answer.get("code");
  if (!code) return endSession(sentenceFor(answer.get("error")));
  const got = await atTokenEndpoint({
    grant_type: "authorization_code",
    code,
    code_verifier: pending.verifier,
    redirect_uri: redirectUri(),
  });
  return got ? keep(got) : endSession("The sign-in took too long. Sign in again.");
}

/** @param {string | null} error */
function sentenceFor(error) {
  if (error === "login_required") return "Your session has ended. Sign in again to go on where you were.";
  if (error === "access_denied") return "The sign-in was refused. Sign in as somebody who may use this hub.";
  return `The sign-in did not succeed (${error}). Try again.`;
}

/**
 * @param {Record<string, string>} form
 * @returns {Promise<Record<string, any> | null>} null where the issuer refuses
 */
async function atTokenEndpoint(form) {
  const [{ client_id }, { token_endpoint }] = await Promise.all([config(), discovery()]);
  const body = new URLSearchParams({ client_id, ...form });
  const answer = await fetch(token_endpoint, { method: "POST", body, credentials: "omit" });
  if (answer.status >= 500) throw new TypeError(`the issuer answers ${answer.status}`);
  return answer.ok ? answer.json() : null;
}

/** @param {Record<string, any>} answer */
function keep(answer) {
  tokens = {
    access: answer.access_token,
    refresh: answer.refresh_token ?? tokens?.refresh ?? null,
    expiresAt: Date.now() + (answer.expires_in ?? 60) * 1000,
  };
  endedBecause.value = "";
  sessionStorage.setItem(SIGNED_IN, "1");
  const now = personOf(answer.access_token);
  if (JSON.stringify(now) !== JSON.stringify(person.value)) person.value = now;
}

/** The claims of a token. Not verified: the API does that. @param {string} token @returns {Person} */
export function personOf(token) {
  const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  const slug = claims.o?.slg ?? claims.org_slug ?? "";
  return {
    subject: claims.sub,
    email: claims.email ?? null,
    organizationId: claims.o?.id ?? claims.org_id ?? "",
    slug,
    organizationName: claims.org_name ?? slug,
    role: (claims.o?.rol ?? claims.org_role ?? null)?.replace(/^org:/, "") ?? null,
  };
}

const RIGHTS = ["read", "publish", "manage"];
/** @type {Record<string, string>} */
const RIGHT_OF = { member: "read", publisher: "publish", admin: "manage" };

/** Whether the person's role has a right, as docs/roles.md says. @param {"read" | "publish" | "manage"} right */
export function may(right) {
  const role = person.value?.role ?? null;
  const own = role === null ? "manage" : RIGHT_OF[role] ?? "read";
  return RIGHTS.indexOf(own) >= RIGHTS.indexOf(right);
}

/** @type {Promise<Record<string, string>> | undefined} */
let discovered;

function discovery() {
  discovered ??= config()
    .then(({ issuer }) => fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, { credentials: "omit" }))
    .then(contentOf)
    .catch((error) => {
      discovered = undefined; // the next try asks again
      throw error;
    });
  return discovered;
}

const redirectUri = () => location.origin + location.pathname;

/** @param {number} length in bytes */
function random(length) {
  return base64url(crypto.getRandomValues(new Uint8Array(length)));
}

/** @param {string} verifier */
async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
