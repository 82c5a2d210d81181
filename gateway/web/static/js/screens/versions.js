import { html, useCall, useState, useAct, Loaded, Table, Bytes, Dialog } from '../ui.js';
import { post, save } from '../api.js';
import { date, count } from '../format.js';

const atOnce = 500;
const last = (name) => name.split('/').at(-1);

// What was put under names over time: not what a disk was like, but what was put.

const kept = (v) => (v.removed ? html`<span class="bad">removed; ${count(v.placed, 'share')} still at friends</span>`
  : !v.index ? html`<span class="good">in its cap</span>`
    : html`<span class=${v.layout && v.placed < v.layout.k ? 'bad' : v.placed < v.wanted ? 'warn' : 'good'}>${v.placed} of ${v.wanted}</span>`);

function Do({ v }) {
  const [act, busy] = useAct();
  if (!v.cap) return html`<span class="small soft">its cap isn't here</span>`;
  return html`<div class="row"><button onClick=${() => save(v.cap, last(v.name))} aria-label="Save ${v.name} of ${date(v.put)}">Save</button>
    ${!v.index && html`<button disabled=${busy} aria-label="Forget ${v.name}" onClick=${() => act(() => post('/v1/rm', { cap: v.cap }), `${v.name} is forgotten.`)}>Forget</button>`}</div>`;
}

const act = (v) => html`<${Do} v=${v} />`;

// AsOfDay lists what each name meant at the end of a day.
export function AsOfDay({ day }) {
  const at = Math.floor(new Date(`${day}T23:59:59`).getTime() / 1000);
  const [open, setOpen] = useState('');
  const [before, setBefore] = useState({ at, rows: [] });
  const seen = before.at === at ? before.rows : [];
  const part = useCall(`/v1/files/versions?as_of=${at}&limit=${atOnce}${seen.length ? '&after=' + encodeURIComponent(seen.at(-1).name) : ''}`);
  const columns = [
    { name: 'Name', of: (v) => v.name, show: (v) => html`<button class="plain" onClick=${() => setOpen(v.name)}><span class="break">${v.name}</span></button>` },
    { name: 'Size', num: true, of: (v) => v.size, show: (v) => html`<${Bytes} of=${v.size} />` },
    { name: 'Put', of: (v) => -v.put, show: (v) => date(v.put) },
    { name: 'Until', of: (v) => v.until || 1e12, show: (v) => (v.until ? date(v.until) : 'now') },
    { name: 'With friends', num: true, of: (v) => v.placed - v.wanted, show: kept },
    { name: 'Do', of: () => 0, show: act },
  ];
  return html`<${Loaded} of=${part}>${(more) => {
    const rows = [...seen, ...more];
    return html`<${Table} caption="What each name meant at the end of ${date(at)}: ${count(rows.length, 'file')}" columns=${columns} rows=${rows} keyOf=${(v) => v.name + v.put} empty="Nothing had been put by then." />
      ${more.length >= atOnce && html`<button onClick=${() => setBefore({ at, rows })}>Show ${atOnce} more</button>`}
      <p class="small soft">This is what you had put by then under each name, not what was on your disk. Removed files are here only as long as friends hold something of them.</p>
      ${open && html`<${Dialog} title=${open} close=${() => setOpen('')}><${Versions} name=${open} /><p></p><div class="row end"><button onClick=${() => setOpen('')}>Close</button></div><//>`}`;
  }}<//>`;
}

// Versions lists what one name meant, the newest first.
export function Versions({ name }) {
  const all = useCall('/v1/files/versions?name=' + encodeURIComponent(name));
  const columns = [
    { name: 'Put', of: (v) => -v.put, show: (v) => date(v.put) },
    { name: 'Until', of: (v) => v.until || 1e12, show: (v) => (v.until ? date(v.until) : 'now') },
    { name: 'Size', num: true, of: (v) => v.size, show: (v) => html`<${Bytes} of=${v.size} />` },
    { name: 'With friends', num: true, of: (v) => v.placed - v.wanted, show: kept },
    { name: 'Do', of: () => 0, show: act },
  ];
  return html`<${Loaded} of=${all}>${(rows) => html`<${Table} caption="Versions of this name" columns=${columns} rows=${rows} keyOf=${(v) => v.put} empty="None." />`}<//>`;
}
