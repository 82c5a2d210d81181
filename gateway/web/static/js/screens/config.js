import { html, useCall, useState, useEffect, useAct, Loaded, AsOf } from '../ui.js';
import { call } from '../api.js';
import { count } from '../format.js';

// What people call the keys of config.toml. A key that isn't here is shown by its
// own name.
const names = {
  name: 'Your name', offer: 'Offered to friends', floor: 'Stays free on the disk', publish: 'Friends see who holds for whom', evict: 'Last steps of standing',
  repair_after: 'Repair when a friend is away for', repair_budget: 'Repair may move a day', audits: 'Proofs asked of each friend a day', audit_bytes: 'Proofs may move a day',
  proof_days: 'A proof counts for days', crawl_share: 'Part of the time for checking the disk', scrub_days: 'Read all that you keep once in days', max_hops: 'Pointers between you and strangers',
  coming: 'Room for an upload is kept for', lease: 'Friends keep your shares for', page: 'Where this page is',
};
const basic = ['name', 'offer', 'floor', 'publish', 'evict', 'repair_after', 'repair_budget'];

// Config shows what the node was told to do, and changes it.
export function Config() {
  const settings = useCall('/v1/settings');
  return html`<section class="card" aria-labelledby="config"><h2 id="config">What your node does</h2><${Loaded} of=${settings}>${(v) => html`<${Form} view=${v} reload=${settings.reload} />`}<//></section>`;
}

const now = (s) => (s.fixed || !s.waiting ? s.value : s.saved || s.default);

function Form({ view, reload }) {
  const start = Object.fromEntries(view.settings.map((s) => [s.key, now(s)]));
  const [said, say] = useState(start);
  const [act, busy] = useAct();
  useEffect(() => say(start), [JSON.stringify(start)]);
  const change = Object.fromEntries(Object.entries(said).filter(([key, value]) => value !== start[key]));
  const save = (body, done) => act(() => call('PUT', '/v1/settings', body), done).then((r) => r && reload());
  const row = (s) => html`<${Setting} key=${s.key} s=${s} value=${said[s.key] ?? ''} set=${(value) => say({ ...said, [s.key]: value })} reset=${() => save({ [s.key]: '' }, `${names[s.key] || s.key}: the default counts again.`)} />`;
  const saved = (r) => {
    const late = r.settings.filter((s) => s.key in change && s.waiting);
    return late.length === 0 ? 'Saved; your node does so now.' : `Saved. ${count(late.length, 'change counts', 'changes count')} after the next start of your node.`;
  };
  return html`<form onSubmit=${(e) => { e.preventDefault(); save(change, saved); }}>
    ${view.settings.filter((s) => basic.includes(s.key)).map(row)}
    <details><summary>More</summary>${view.settings.filter((s) => !basic.includes(s.key)).map(row)}</details><p></p>
    <button class="main" disabled=${busy || Object.keys(change).length === 0}>Save</button>
    <p class="small soft break">They are kept in <span class="mono">${view.path}</span>, and "potluck settings" shows them too.</p><${AsOf} t=${view.as_of} /></form>`;
}

function Setting({ s, value, set, reset }) {
  const id = 'set-' + s.key;
  const input = s.kind === 'yes' || s.kind === 'choice'
    ? html`<select id=${id} disabled=${s.fixed} aria-describedby="${id}-about" onChange=${(e) => set(e.target.value)}>${(s.choices || ['true', 'false']).map((c) => html`<option value=${c} selected=${c === value}>${{ true: 'yes', false: 'no' }[c] || c}</option>`)}</select>`
    : html`<input id=${id} disabled=${s.fixed} value=${value} autocomplete="off" inputmode=${{ count: 'numeric', part: 'decimal' }[s.kind]} aria-describedby="${id}-about" onInput=${(e) => set(e.target.value)} />`;
  return html`<div class="setting"><label for=${id}>${names[s.key] || s.key}</label><div class="row">${input}
      ${s.saved && s.saved !== s.default && !s.fixed && html`<button type="button" class="plain small" onClick=${reset}>Back to ${s.default}</button>`}</div>
    <span></span><p class="small soft" id="${id}-about">${s.about} ${s.fixed ? html`<b>A flag or the environment said it when your node started; change it there.</b>`
    : s.waiting ? html`<b class="warn">Counts after the next start; until then it is ${s.value}.</b>` : s.at_once ? '' : 'A change counts after the next start.'}</p></div>`;
}
