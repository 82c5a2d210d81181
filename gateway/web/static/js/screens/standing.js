import { html, useCall, useState, useEffect, useAct, Loaded, Title, AsOf, Step } from '../ui.js';
import { call, post, at, log } from '../api.js';
import { date, count } from '../format.js';
import { Danger } from './sanctions.js';

const steps = ['good', 'reminded', 'slowed', 'frozen', 'notice', 'evicting'];

export function Standing() {
  const who = useCall('/v1/who');
  return html`<${Title}>Standing<//><p class="soft">Who stores more than it has credit for, or broke a duty, climbs one step after the other, is told of each, and is good at once when it is cured. Reading goes on at every step.</p>
    <${Loaded} of=${who}>${(w) => html`${w.rows.length === 0 && html`<p>Nobody has an account here yet.</p>`}
      ${[...w.rows].sort((a, b) => steps.indexOf(b.standing.step) - steps.indexOf(a.standing.step)).map((r) => html`<section class="card" key=${r.peer} aria-label=${r.name}>
        <h2><a href="#/friends/${r.peer}">${r.name || 'unnamed'}</a> <${Step} step=${r.standing.step} /></h2><${Ladder} row=${r} />
        <details><summary>Deny or evict</summary><${Danger} row=${r} id="danger-${r.peer}" /></details></section>`)}<${AsOf} t=${w.as_of} />`}<//>`;
}

export function Ladder({ row }) {
  const s = row.standing;
  const [act, busy] = useAct();
  const [pin, setPin] = useState(s.step);
  const name = row.name || row.peer;
  const change = (body, done) => act(() => call('PATCH', at(row.peer, '/standing'), body), done);
  return html`<ol class="ladder" aria-label="The ladder">${steps.map((x) => html`<li class=${x === s.step ? `here ${x === 'good' ? 'ok' : ''}` : ''} aria-current=${x === s.step ? 'step' : undefined}>${x}</li>`)}</ol>
    <p>${s.sentence}</p>
    <ul class="small soft">
      ${s.breach > 0 && html`<li>The fault was first seen ${date(s.breach)}.</li>`}
      ${s.since > 0 && html`<li>On this step since ${date(s.since)}.</li>`}
      ${s.next && html`<li>If nothing is cured: ${s.next}, not before ${date(s.next_at)}.</li>`}
      ${s.told && html`<li>It was told "${s.told}" ${s.told_at ? date(s.told_at) : ''}.</li>`}
      ${s.service > 0 && html`<li>${count(Math.floor(s.service / 86400), 'day')} of honest service.</li>`}
      ${row.denied && html`<li class="bad">You deny it new bytes.</li>`}
    </ul>
    <div class="row">
      <button disabled=${busy || s.step === 'good'} onClick=${() => act(() => post(at(row.peer, '/pardon')), `${name} is pardoned.`)}>Pardon</button>
      <label class="row">Step <select style="width:auto" onChange=${(e) => setPin(e.target.value)} aria-label="Step to keep ${name} on">${steps.map((x) => html`<option value=${x} selected=${x === pin}>${x}</option>`)}</select></label>
      <button disabled=${busy} onClick=${() => change({ pin }, `${name} stays ${pin} until you unpin it.`)}>Pin</button>
      ${s.pinned && html`<button disabled=${busy} onClick=${() => change({ unpin: true }, `${name} moves on the ladder again.`)}>Unpin</button>`}
      ${s.breach > 0 && !s.word && html`<button class="danger" disabled=${busy} onClick=${() => change({ word: true }, `${name} may be evicted after all notices.`)}>Allow eviction</button>`}
    </div>
    <details><summary>Evidence</summary><${Evidence} peer=${row.peer} /></details>`;
}

// Evidence is what the log has of a peer's standing, newest first.
function Evidence({ peer }) {
  const [state, set] = useState({ rows: null });
  useEffect(() => {
    log(5000).then((all) => set({ rows: all.filter((e) => e.peer === peer && ['standing', 'dispute', 'placement-lost', 'blame', 'audit-failed'].includes(e.kind)).reverse().slice(0, 50) }), (error) => set({ error }));
  }, [peer]);
  if (state.error) return html`<p class="bad">${state.error.message}</p>`;
  if (!state.rows) return html`<p class="soft">Looking …</p>`;
  if (state.rows.length === 0) return html`<p class="soft">Nothing was ever noted.</p>`;
  return html`<ul class="list small">${state.rows.map((e) => html`<li key=${e.seq}><b>${date(e.time)}</b> ${e.kind}: ${e.reason}</li>`)}</ul>`;
}
