// Dialogs: the browser's own, which keeps the keyboard inside and gives the focus back.
import { ApiError } from "../api.js";
import { SessionEnded } from "../auth.js";
import { html, useEffect, useId, useRef, useState } from "../html.js";
import { Command } from "./command.js";
import { Problem } from "./page.js";
import { say } from "./said.js";

/** @param {{title: string, onClose: () => void, wide?: boolean, children?: any}} props */
export function Dialog({ title, onClose, wide = false, children }) {
  const id = useId();
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // A dialog that was taken away says that it closed, too late to mean the next one.
  const closed = () => {
    if (element.current) onClose();
  };
  return html`
    <dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${closed} onCancel=${closed}>
      <h2 id=${id}>${title}</h2>
      ${children}
    </dialog>
  `;
}

/**
 * A dialog that asks the API for something: what will happen, the same command, and a refusal in its place.
 *
 * `run` gets a key that makes a repeated request harmless; the dialog closes once it has succeeded.
 * @param {{title: string, confirm: string, danger?: boolean, wide?: boolean, command: string, disabled?: boolean, said?: string,
 *   run: (key: string) => Promise<any>, onClose: () => void, children?: any, refused?: (error: ApiError) => any}} props
 */
export function ActionDialog({ title, confirm, danger = false, wide = false, command, disabled = false, said = "", run, onClose, children, refused }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const key = useRef(crypto.randomUUID());
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setError(null);
    try {
      await run(key.current);
      if (said) say(said);
      onClose();
    } catch (failure) {
      if (failure instanceof SessionEnded) return; // the sign-in page says so
      setBusy(false);
      if (!(failure instanceof ApiError)) throw failure;
      // After a refusal the next try is another wish; after silence it may be the same one.
      if (!failure.passes) key.current = crypto.randomUUID();
      setError(failure);
    }
  };
  return html`
    <${Dialog} title=${title} wide=${wide} onClose=${onClose}>
      <form onSubmit=${submit} noValidate>
        ${children}
        ${error && html`<${Problem} error=${error} />`}
        ${error && refused?.(error)}
        <div class="dialog-foot">
          <${Command} text=${command} />
          <div class="buttons">
            <button type="button" class="button" onClick=${onClose}>Cancel</button>
            <button type="submit" class=${`button ${danger ? "danger" : "primary"}`} aria-disabled=${busy || disabled}>
              ${busy ? "Asking…" : confirm}
            </button>
          </div>
        </div>
      </form>
    <//>
  `;
}
