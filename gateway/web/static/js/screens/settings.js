import { html, useCall, useAct, Loaded, Title, AsOf, useState } from '../ui.js';
import { post, signOut } from '../api.js';
import { size, date, count } from '../format.js';
import { Config } from './config.js';

export function Settings() {
  const status = useCall('/v1/status');
  return html`<${Title}>Settings<//><${Loaded} of=${status}>${(s) => html`
    <section class="card" aria-labelledby="node"><h2 id="node">Your node</h2><div class="wide"><table><caption>What it is</caption><tbody>
      <tr><th scope="row">Name</th><td>${s.name}</td></tr>
      <tr><th scope="row">Offers</th><td>${size(s.offered)}; ${size(s.held)} are used, ${size(s.reserved)} promised, ${size(s.room)} free</td></tr>
      <tr><th scope="row">Disk</th><td>${size(s.disk_free)} free</td></tr>
      <tr><th scope="row">Runs since</th><td>${date(s.started)}</td></tr>
      <tr><th scope="row">Version</th><td>${s.version}</td></tr>
      <tr><th scope="row">Data</th><td class="mono break">${s.data}</td></tr></tbody></table></div>
      <details><summary>Details</summary><p class="small break">Peer ID: <span class="mono">${s.peer}</span></p><ul class="small mono break">${s.addrs.map((a) => html`<li>${a}</li>`)}</ul></details>
      <${AsOf} t=${s.as_of} /></section>`}<//>
    <${Config} />
    <section class="card" aria-labelledby="words"><h2 id="words">Recovery words</h2><p>24 words are your node: with them and one friend's address, a new machine gets your friends and files back. Write them on paper, and keep the paper where you'd keep a passport.</p>
      <p>They are never shown in a browser. Say this in a terminal on the machine where your node runs:</p><p class="mono">potluck words</p></section>
    <${Check} />
    <section class="card" aria-labelledby="out"><h2 id="out">This browser</h2><p>It stays signed in for 30 days. To sign every browser out, start the node with <code>--page-renew</code>.</p>
      <button onClick=${() => { signOut(); dispatchEvent(new Event('signed-out')); }}>Sign out here</button></section>
    <section class="card" aria-labelledby="metrics"><h2 id="metrics">Metrics</h2><p>Prometheus can read <span class="mono">${location.origin}/metrics</span> with a token from <code>potluck page --token</code>. A board for Grafana is in <code>examples/grafana</code>.</p></section>`;
}

function Check() {
  const [act, busy] = useAct();
  const [found, set] = useState(null);
  return html`<section class="card" aria-labelledby="check"><h2 id="check">Check the books</h2><p>Every figure is proven from its rows, and the store compared with them.</p>
    <button disabled=${busy} onClick=${() => act(() => post('/v1/check')).then((r) => r && set(r))}>${busy ? 'Checking …' : 'Check now'}</button>
    <div role="status" aria-live="polite">${found && html`<p></p><div class="note ${found.clean ? 'good' : 'bad'}">${found.clean
    ? `All is right: ${count(found.books.accounts, 'account')}, ${count(found.books.shares, 'share')}, ${count(found.books.events, 'event')}.`
    : html`<ul>${[...found.books.problems, ...found.store.problems].map((p) => html`<li>${p}</li>`)}</ul>`}</div>`}</div></section>`;
}
