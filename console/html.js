// What every component is made of, from the vendored modules.
import { h, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";
export { computed, effect, signal } from "./vendor/signals.js";
export { render };

/** Markup as a tagged template. Text is always text: nothing here can put HTML into the page. */
export const html = htm.bind(h);
