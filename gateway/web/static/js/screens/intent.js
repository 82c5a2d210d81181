import { html, useState, useEffect, useCall, useAct, Loaded, Title, AsOf } from '../ui.js';
import { call, post, at } from '../api.js';
import { size, parseSize } from '../format.js';

export function Intent() {
  const who = useCall('/v1/who');
  return html`<${Title}>Intent<//><p class="lead">What may each friend keep with you, and why?</p>
    <${Loaded} of=${who}>${(w) => html`<p class="soft">You offer ${size(w.me.offered)} in all; ${size(w.me.room)} of it are free.</p>
      ${w.rows.filter((r) => r.friend).length === 0 && html`<p>Nobody yet. <a href="#/invite">Invite a friend</a> first.</p>`}
      ${w.rows.filter((r) => r.friend).map((r) => html`<section class="card" key=${r.peer} aria-label=${r.name}><h2><a href="#/friends/${r.peer}">${r.name || 'unnamed'}</a></h2><p class="soft">${r.reason}</p><${Terms} row=${r} /></section>`)}
      <${AsOf} t=${w.as_of} />`}<//>`;
}

// Terms are the reasons to give service, each with its own control, and what a
// change would change before it is made.
export function Terms({ row }) {
  const t = row.terms;
  const id = 'terms-' + row.peer.slice(-8);
  const start = { gift: size(t.gift), ratio: String(t.ratio_ppm / 1e6), opening: size(t.opening), paid: size(t.paid), until: t.paid_until ? new Date(t.paid_until * 1000).toISOString().slice(0, 10) : '' };
  const [said, say] = useState(start);
  const [preview, show] = useState(null);
  const [act, busy] = useAct();
  useEffect(() => say(start), [JSON.stringify(t)]);
  const { change, wrong } = read(said, start);
  useEffect(() => {
    if (wrong || Object.keys(change).length === 0) { show(null); return undefined; }
    let late = false;
    const timer = setTimeout(() => post(at(row.peer, '/preview'), change).then((p) => late || show(p.sentence), (e) => late || show(e.message)), 250);
    return () => { late = true; clearTimeout(timer); };
  }, [JSON.stringify(change), wrong]);
  const field = (key, label, more = {}) => html`<label>${label}<input value=${said[key]} ...${more} onInput=${(e) => say({ ...said, [key]: e.target.value })} /></label>`;
  return html`<form onSubmit=${(e) => { e.preventDefault(); act(() => call('PATCH', at(row.peer, '/terms'), change), `${row.name} has other terms now.`); }}>
    <div class="fields" id=${id}>
      ${field('gift', 'A gift, up to')}
      ${field('ratio', 'As much as it holds for you, times', { inputmode: 'decimal' })}
      ${field('opening', 'To begin with, up to')}
      ${field('paid', 'Paid for, up to')}
      ${field('until', 'Paid until', { type: 'date' })}
    </div>
    <p role="status" aria-live="polite" class=${wrong ? 'bad' : ''}>${wrong || preview || `It could add ${size(row.free)} now.`}</p>
    <button class="main" disabled=${busy || Boolean(wrong) || Object.keys(change).length === 0}>Save</button></form>`;
}

// read makes of what was typed the change that it means.
function read(said, start) {
  const change = {};
  for (const key of ['gift', 'opening', 'paid']) {
    if (said[key] === start[key]) continue;
    const n = parseSize(said[key]);
    if (Number.isNaN(n)) return { change, wrong: `"${said[key]}" is no size; write one like 10 GiB.` };
    change[key] = n;
  }
  if (said.ratio !== start.ratio) {
    const n = Number(said.ratio);
    if (said.ratio.trim() === '' || !(n >= 0 && n <= 1000)) return { change, wrong: `"${said.ratio}" is no ratio; write a number from 0 to 1000.` };
    change.ratio_ppm = Math.round(n * 1e6);
  }
  if (said.until !== start.until) change.paid_until = said.until ? Date.parse(said.until + 'T00:00:00Z') / 1000 : 0;
  return { change, wrong: '' };
}
