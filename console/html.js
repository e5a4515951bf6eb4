// What every component is made of, from the vendored modules.
import * as hooks from "./vendor/preact-hooks.js";
import * as preact from "./vendor/preact.js";
import * as signals from "./vendor/signals.js";
import htm from "./vendor/htm.js";

/** Markup as a tagged template. Text is always text: nothing here can put HTML into the page. */
export const html = /** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */ (htm.bind(preact.h));

export const render = /** @type {(node: any, into: Element) => void} */ (preact.render);

/** A component that decides itself when it is drawn again. */
export const Component = /** @type {new () => {props: any}} */ (/** @type {unknown} */ (preact.Component));

export const signal = /** @type {<T>(value: T) => {value: T}} */ (signals.signal);
export const effect = /** @type {(run: () => void) => void} */ (signals.effect);

export const useState =
  /** @type {<T>(first: T | (() => T)) => [T, (next: T | ((before: T) => T)) => void]} */ (hooks.useState);
export const useRef = /** @type {<T>(first: T) => {current: T}} */ (hooks.useRef);
export const useMemo = /** @type {<T>(make: () => T, by: any[]) => T} */ (hooks.useMemo);
export const useId = /** @type {() => string} */ (hooks.useId);
export const useEffect = /** @type {(run: () => void | (() => void), by?: any[]) => void} */ (hooks.useEffect);
export const useLayoutEffect = /** @type {(run: () => void | (() => void), by?: any[]) => void} */ (hooks.useLayoutEffect);
