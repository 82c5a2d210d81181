import { html, useState, useAct, Typed } from '../ui.js';
import { post, at } from '../api.js';
import { size, count } from '../format.js';

// Danger is what the operator does by hand, whatever the standing.
export function Danger({ row, id = 'danger' }) {
  const [act, busy] = useAct();
  const [asking, ask] = useState('');
  const name = row.name || row.peer;
  return html`<section class=${id === 'danger' ? 'card' : ''} aria-labelledby=${id}><h2 id=${id}>Sanctions of your own</h2>
    <p class="small soft">What it holds for you, and what you hold for it, stays readable whatever you do here, until you drop it.</p>
    <div class="row">
      ${row.denied
    ? html`<button disabled=${busy} onClick=${() => act(() => post(at(row.peer, '/accept')), `${name} may store new bytes again.`)}>Accept new bytes again</button>`
    : html`<button disabled=${busy} onClick=${() => act(() => post(at(row.peer, '/deny')), `${name} stores nothing new here.`)}>Deny new bytes</button>`}
      <button class="danger" disabled=${busy || row.i_hold.bytes === 0} onClick=${async () => {
    const dry = await act(() => post(at(row.peer, '/evict'), { dry_run: true }));
    if (dry) ask(`${count(dry.shares, 'share')} of ${name}, ${size(dry.freed)}, would be deleted here. They can't be brought back by you.`);
  }}>Drop all it stores here</button>
    </div>
    ${asking && html`<${Typed} title="Drop everything" word=${name} text=${asking} close=${() => ask('')}
      act=${() => act(() => post(at(row.peer, '/evict'), {}), (r) => `${size(r.freed)} of ${name} are gone.`)} />`}</section>`;
}
