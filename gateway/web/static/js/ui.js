// What screens are made of. Text from others goes through templates only, so it
// is always text.

import { html as template, h, useState, useEffect, useRef, useCallback } from '/vendored/preact/preact-htm.js';
import { get } from './api.js';
import { ago, size } from './format.js';

export { useState, useEffect, useRef, useCallback };

// html is htm's. Several elements side by side get one around them that takes no
// part in the layout: a list that changes among bare siblings moves them.
export function html(...parts) {
  const made = template(...parts);
  return Array.isArray(made) ? h('div', { class: 'plainly' }, ...made) : made;
}

// A change in the books, told to all that shows figures.
const listeners = new Set();
let pending = 0;

export function changed() {
  if (pending) return;
  pending = setTimeout(() => { pending = 0; for (const l of listeners) l(); }, 400);
}

// useCall reads a path, again when the books change, and keeps the last answer
// while the next one comes.
export function useCall(path) {
  const [state, set] = useState({ data: null, error: null });
  const [turn, again] = useState(0);
  const reload = useCallback(() => again((n) => n + 1), []);
  useEffect(() => {
    listeners.add(reload);
    return () => listeners.delete(reload);
  }, []);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    get(path, stop.signal)
      .then((data) => set({ data, error: null, path }))
      .catch((error) => { if (error.name !== 'AbortError') set((s) => ({ ...s, error })); });
    return () => stop.abort();
  }, [path, turn]);
  return { data: state.path === path ? state.data : null, error: state.error, reload };
}

// Loaded shows what a call gave, or why it gave nothing.
export function Loaded({ of, children }) {
  const { data, error } = of;
  if (error && !data) return html`<${Trouble} error=${error} />`;
  if (!data) return html`<p class="soft" role="status">Looking …</p>`;
  return html`${error && html`<${Trouble} error=${error} />`}${children(data)}`;
}

export function Trouble({ error }) {
  return html`<div class="note bad" role="alert">${error.message}</div>`;
}

export function AsOf({ t }) {
  return html`<p class="small soft">As of ${t ? new Date(t * 1000).toLocaleTimeString() : 'now'}.</p>`;
}

export function Title({ children }) {
  const ref = useRef(null);
  useEffect(() => { document.title = `${[children].flat(9).join('')} · Potluck`; }, [children]);
  return html`<h1 tabindex="-1" ref=${ref}>${children}</h1>`;
}

export function Online({ on }) {
  return html`<span class="dot ${on ? 'on' : ''}" aria-hidden="true"></span><span class="small soft">${on ? 'here' : 'away'}</span>`;
}

const tones = { good: 'good', reminded: 'warn', slowed: 'warn', frozen: 'bad', notice: 'bad', evicting: 'bad' };

export function Step({ step }) {
  return html`<span class="tag ${tones[step] || ''}">${step}</span>`;
}

const byName = new Intl.Collator(undefined, { numeric: true }).compare;

// Table shows rows that can be sorted by every column: columns are
// [{name, of, show, num}], of gives what is sorted by.
export function Table({ caption, columns, rows, empty, foot, keyOf, down = false }) {
  const [order, setOrder] = useState({ by: 0, down });
  if (rows.length === 0) return html`<p class="soft">${empty}</p>`;
  const { of } = columns[order.by];
  const sign = order.down ? -1 : 1;
  const sorted = [...rows].sort((a, b) => {
    const x = of(a); const y = of(b);
    return sign * (typeof x === 'string' ? byName(x, y) : x - y);
  });
  const head = columns.map((c, i) => html`<th scope="col" class=${c.num ? 'num' : ''} aria-sort=${order.by === i ? (order.down ? 'descending' : 'ascending') : 'none'}>
    <button class="plain" onClick=${() => setOrder({ by: i, down: order.by === i ? !order.down : Boolean(c.num) })}>${c.name}${order.by === i ? (order.down ? ' ↓' : ' ↑') : ''}</button></th>`);
  return html`<div class="wide" tabindex="0" role="region" aria-label=${caption}><table><caption>${caption}</caption><thead><tr>${head}</tr></thead>
    <tbody>${sorted.map((r) => html`<tr key=${keyOf(r)}>${columns.map((c) => html`<td class=${c.num ? 'num' : ''}>${c.show ? c.show(r) : c.of(r)}</td>`)}</tr>`)}</tbody>
    ${foot && html`<tfoot><tr>${foot.map((f, i) => html`<td class=${columns[i].num ? 'num' : ''}>${f}</td>`)}</tr></tfoot>`}</table></div>`;
}

export function Bytes({ of }) {
  return html`<span title="${of == null ? '' : of.toLocaleString('en')} bytes">${size(of)}</span>`;
}

// Dialog is open while it is shown; Escape and "Cancel" close it.
export function Dialog({ title, close, children }) {
  const ref = useRef(null);
  useEffect(() => { ref.current.showModal(); }, []);
  return html`<dialog ref=${ref} aria-label=${title} onClose=${close} onClick=${(e) => { if (e.target === ref.current) close(); }}>
    <h2>${title}</h2>${children}</dialog>`;
}

// Typed asks for a word before something that can't be undone.
export function Typed({ title, word, text, act, close }) {
  const [said, say] = useState('');
  return html`<${Dialog} title=${title} close=${close}>
    <p>${text}</p>
    <label>Type <b>${word}</b> to go on<input autocomplete="off" value=${said} onInput=${(e) => say(e.target.value)} /></label>
    <p></p>
    <div class="row end"><button onClick=${close}>Cancel</button>
    <button class="danger" disabled=${said !== word} onClick=${() => { close(); act(); }}>${title}</button></div><//>`;
}

// Messages at the edge of the page, read out by screen readers.
const shown = 3; // at once: more would hide the page
let messages = [];
const readers = new Set();

export function tell(text, tone = 'good') {
  const m = { text, tone };
  messages = [...messages, m].slice(-shown);
  for (const r of readers) r(messages);
  setTimeout(() => { messages = messages.filter((x) => x !== m); for (const r of readers) r(messages); }, tone === 'good' ? 6000 : 15000);
}

export function Messages() {
  const [all, set] = useState(messages);
  useEffect(() => { readers.add(set); return () => readers.delete(set); }, []);
  return html`<div class="toast" role="status" aria-live="polite">${all.map((m) => html`<div class="note ${m.tone}">${m.text}</div>`)}</div>`;
}

// useAct runs what a button does: once at a time, and tells how it went.
export function useAct() {
  const [busy, set] = useState(false);
  const act = useCallback(async (work, done) => {
    set(true);
    try {
      const r = await work();
      if (done) tell(typeof done === 'function' ? done(r) : done);
      changed();
      return r;
    } catch (e) {
      if (e.name !== 'AbortError') tell(e.message, 'bad');
      return undefined;
    } finally {
      set(false);
    }
  }, []);
  return [act, busy];
}

export function Copy({ text, what }) {
  return html`<button onClick=${async () => {
    await navigator.clipboard.writeText(text);
    tell(`${what} is in the clipboard.`);
  }}>Copy</button>`;
}

export function download(name, type, text) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}

export function Seen({ row }) {
  return row.connected ? 'now' : ago(row.last_seen);
}

// Jobs shows what runs, each with how far it is.
export function Jobs({ of }) {
  return of.map((j) => html`<div class="job" key=${j.key} role="group" aria-label=${j.name}><div class="row"><span class="grow break"><b>${j.name}</b> <span class="soft">${j.text}</span></span>
    ${j.stop && html`<button onClick=${j.stop} aria-label="Stop ${j.name}">Stop</button>`}</div>
    ${j.part == null ? '' : html`<progress max="1" value=${j.part} aria-label="How far ${j.name} is"></progress>`}</div>`);
}

// load puts a classic script of ours into the page, once.
const loaded = new Map();

export function load(src) {
  if (!loaded.has(src)) {
    loaded.set(src, new Promise((good, bad) => {
      const s = document.createElement('script');
      s.src = src;
      s.onload = good;
      s.onerror = () => bad(new Error(`${src} can't be loaded`));
      document.head.append(s);
    }));
  }
  return loaded.get(src);
}
