// A readme's Markdown as elements, never as HTML: what a publisher writes cannot run or load anything here. Nor can it
// hold the page up: no pattern here takes time that grows faster than the text, so none has two repetitions side by side
// that match the same characters, and those that are looked for at every place have a bound.
import { html } from "./html.js";

/** What ends a line: also the separators that `.` does not match, so that `.*` below reaches the end of a line. */
const LINE_END = /\r\n?|[\n\u2028\u2029]/;
const FENCE = /^(```+|~~~+)/;
const HEADING = /^(#{1,6})\s+(\S.*)$/;
const BULLET = /^\s{0,3}[-*+]\s+(.*)$/;
const NUMBERED = /^\s{0,3}\d{1,9}[.)]\s+(.*)$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const RULE = /^\s{0,3}([-*_])(\s*\1){2,}\s*$/;
const TABLE_RULE = /^[\s|:-]+$/;
const TABLE_RULE_CELL = /^:?-+:?$/;
const DEEPEST = 6;

/** @param {{text: string, level?: number}} props level: of the readme's first heading on this page */
export function Markdown({ text, level = 3 }) {
  return html`<div class="markdown">${blocks(text.split(LINE_END), level, 0)}</div>`;
}

/**
 * @param {string[]} lines @param {number} level @param {number} depth how many quotes and lists are around
 * @returns {any[]}
 */
function blocks(lines, level, depth) {
  if (depth > DEEPEST) return [html`<p>${lines.join(" ")}</p>`];
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, next] = blockAt(lines, at, level, depth);
    found.push(block);
    at = next;
  }
  return found;
}

/**
 * @param {string[]} lines @param {number} at @param {number} level @param {number} depth
 * @returns {[any, number]} the block that begins at a line, and the line after it
 */
function blockAt(lines, at, level, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return codeBlock(lines, at, fence[1]);
  if (RULE.test(line)) return [html`<hr />`, at + 1];
  const heading = HEADING.exec(line);
  if (heading) return [titled(Math.min(6, heading[1].length + level - 1), withoutClosing(heading[2].trimEnd())), at + 1];
  if (lines[at + 1] !== undefined && line.includes("|") && isTableRule(lines[at + 1])) return table(lines, at);
  for (const [pattern, tag] of /** @type {[RegExp, string][]} */ ([[BULLET, "ul"], [NUMBERED, "ol"]])) {
    if (pattern.test(line)) return list(lines, at, pattern, tag, level, depth);
  }
  if (QUOTE.test(line)) return quote(lines, at, level, depth);
  return paragraph(lines, at);
}

/** A heading's text without the number signs that may close it: those behind a space. @param {string} text */
function withoutClosing(text) {
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  return end === 0 || text.slice(0, end).trimEnd().length < end ? text.slice(0, end).trimEnd() : text;
}

/** Whether a line divides a table's head from its rows. @param {string} line */
const isTableRule = (line) => TABLE_RULE.test(line) && cellsOf(line).every((cell) => TABLE_RULE_CELL.test(cell));

/** @param {number} level @param {string} text */
const titled = (level, text) => html`<${`h${level}`}>${inline(text)}<//>`;

/** @param {string[]} lines @param {number} at @param {string} fence @returns {[any, number]} */
function codeBlock(lines, at, fence) {
  let end = at + 1;
  while (end < lines.length && !lines[end].startsWith(fence)) end += 1;
  return [html`<pre tabindex="0"><code>${lines.slice(at + 1, end).join("\n")}</code></pre>`, end + 1];
}

/**
 * @param {string[]} lines @param {number} at @param {RegExp} pattern @param {string} tag
 * @param {number} level @param {number} depth @returns {[any, number]}
 */
function list(lines, at, pattern, tag, level, depth) {
  /** @type {string[][]} */
  const items = [];
  let end = at;
  for (; end < lines.length; end += 1) {
    const item = pattern.exec(lines[end]);
    if (item) items.push([item[1]]);
    else if (/^\s{2,}\S/.test(lines[end])) items[items.length - 1].push(lines[end].replace(/^\s{2,4}/, ""));
    else break;
  }
  const contents = items.map((item) => html`<li>${item.length > 1 ? blocks(item, level, depth + 1) : inline(item[0])}</li>`);
  return [html`<${tag}>${contents}<//>`, end];
}

/** @param {string[]} lines @param {number} at @param {number} level @param {number} depth @returns {[any, number]} */
function quote(lines, at, level, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => QUOTE.exec(line)?.[1] ?? "");
  return [html`<blockquote>${blocks(inner, level, depth + 1)}</blockquote>`, end];
}

/** @param {string[]} lines @param {number} at @returns {[any, number]} */
function table(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end).map(cellsOf);
  return [
    html`<div class="scroll" tabindex="0" role="group" aria-label="Table">
      <table>
        <thead><tr>${cellsOf(lines[at]).map((cell) => html`<th scope="col">${inline(cell)}</th>`)}</tr></thead>
        <tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>`,
    end,
  ];
}

/** @param {string} line */
const cellsOf = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

/** @param {string[]} lines @param {number} at @returns {[any, number]} */
function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !beginsBlock(lines[end])) end += 1;
  return [html`<p>${inline(lines.slice(at, end).join("\n"))}</p>`, end];
}

/** @param {string} line */
const beginsBlock = (line) => [FENCE, HEADING, BULLET, NUMBERED, QUOTE, RULE].some((pattern) => pattern.test(line));

// Code, image, link, strong, emphasis, bare address: the first that begins wins. What may begin at every character has a
// bound: longer code, labels and addresses stay text.
const INLINE = new RegExp(
  [
    /(`{1,20})([^`]{1,2000})\1/,
    /!\[([^\]]{0,500})\]\([^)\s]{0,2000}\)/,
    /\[([^\]]{1,500})\]\(([^)\s]{1,2000})(?:\s{1,20}"[^"]{0,500}")?\)/,
    /\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*/,
    /(https?:\/\/[^\s<>)\]]+)/,
  ]
    .map((pattern) => pattern.source)
    .join("|"),
);

/** @param {string} text @returns {any[]} */
export function inline(text) {
  const found = [];
  let rest = text;
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    found.push(rest.slice(0, match.index), element(match));
    rest = rest.slice(match.index + match[0].length);
  }
  found.push(rest);
  return found.filter((part) => part !== "");
}

/** @param {RegExpExecArray} match */
function element(match) {
  const [, , code, picture, label, target, strong, strongToo, emphasis, address] = match;
  if (code !== undefined) return html`<code>${code}</code>`;
  // A picture would tell its host who reads: its text stands for it.
  if (picture !== undefined) return html`<em>${picture}</em>`;
  if (label !== undefined) return link(target, inline(label));
  if (strong ?? strongToo) return html`<strong>${inline(strong ?? strongToo)}</strong>`;
  if (emphasis !== undefined) return html`<em>${inline(emphasis)}</em>`;
  return link(address, address);
}

/** Only to the web: `javascript:` and its like stay text. @param {string} target @param {any} label */
function link(target, label) {
  if (!/^https?:\/\//i.test(target)) return html`<span>${label}</span>`;
  return html`<a href=${target} rel="noopener noreferrer nofollow" target="_blank">${label}</a>`;
}
