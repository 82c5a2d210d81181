import { html, useCall, Loaded, Title, AsOf, Jobs } from '../ui.js';
import { size, count, ago } from '../format.js';
import { running } from '../work.js';
import { health, sentence } from '../health.js';

export function Home() {
  const who = useCall('/v1/who');
  const files = useCall('/v1/files/summary');
  const disputes = useCall('/v1/disputes');
  const runs = running();
  return html`<${Title}>Home<//>
    <${Loaded} of=${who}>${(w) => html`<${Loaded} of=${files}>${(f) => html`<${Overview} who=${w} files=${f} runs=${runs} disputes=${disputes.data || []} />`}<//>`}<//>`;
}

function Overview({ who, files, runs, disputes }) {
  const friends = who.rows.filter((r) => r.friend);
  const h = health(files, who.rows);
  const needs = wants(who, files, disputes);
  return html`
    ${(friends.length === 0 || files.files === 0) && html`<${First} />`}
    <section class="card" aria-labelledby="protects"><h2 id="protects">What protects you</h2><p class="lead">${sentence(h)}</p>
      ${h.proven ? html`<p class="soft">Last proven ${ago(h.proven)}.</p>` : ''}<${AsOf} t=${who.as_of} /></section>
    <div class="cards">
      <section class="card"><h2>Friends hold for you</h2><p class="big">${size(who.totals.hold_for_me.bytes)}</p>
        <p class="soft">in ${count(files.files, 'file')}, at ${count(who.rows.filter((r) => r.holds_for_me.shares > 0).length, 'friend')}</p><a href="#/friends">See who</a></section>
      <section class="card"><h2>You hold for friends</h2><p class="big">${size(who.totals.i_hold.bytes)}</p>
        <p class="soft">of ${size(who.me.offered)} that you offer; ${size(who.me.room)} are free</p><a href="#/intent">Change what friends may have</a></section>
      <section class="card"><h2>Friends</h2><p class="big">${who.me.connected} of ${who.me.friends}</p>
        <p class="soft">are here now${who.me.inviting ? `; ${count(who.me.inviting, 'invite')} open` : ''}</p><a href="#/invite">Invite a friend</a></section>
    </div>
    <section class="card" aria-labelledby="needs"><h2 id="needs">What needs you</h2>
      ${needs.length === 0 ? html`<p class="good">Nothing. All is well.</p>` : html`<ul class="list">${needs.map((n) => html`<li><a href=${n.href}>${n.text}</a></li>`)}</ul>`}</section>
    <section class="card" aria-labelledby="runs"><h2 id="runs">What runs</h2>
      ${runs.length === 0 ? html`<p class="soft">Nothing now. Put a file or a folder in <a href="#/files">Files</a>.</p>` : html`<${Jobs} of=${runs} />`}</section>`;
}

// First stays until there is a friend, and a file with one.
function First() {
  return html`<section class="card" aria-labelledby="first"><h2 id="first">Three things to begin with</h2><div class="first">
    <a href="#/settings">Write down recovery words<small>24 words bring everything back on a new machine</small></a>
    <a href="#/invite">Invite a friend<small>two friends are enough to begin</small></a>
    <a href="#/files/folder">Back up a folder<small>it is encrypted here, and spread over friends</small></a></div></section>`;
}

// wants lists what a person should look at, the worst first.
function wants(who, files, disputes) {
  const all = [];
  const add = (text, href) => all.push({ text, href });
  for (const r of who.rows) {
    const name = r.name || 'somebody';
    if (['notice', 'evicting', 'frozen', 'slowed'].includes(r.standing.step)) add(`${name} is ${r.standing.step} here: ${r.standing.reason}`, '#/standing');
    else if (r.short > 0) add(`${name} has ${size(r.short)} more here than its credit covers`, `#/friends/${r.peer}`);
  }
  for (const d of disputes) add(`What ${d.host.name} holds for ${d.owner.name} is disputed: ${d.reason}`, '#/web');
  if (who.me.read_only) add(`This copy of your node takes and sends nothing new: ${who.me.read_only}`, '#/settings');
  if (files.thin > 0) add(`${count(files.thin, 'file is', 'files are')} held in fewer places than you wanted`, '#/files');
  if (who.me.friends > 0 && who.me.connected === 0) add('No friend can be reached: is this machine online?', '#/friends');
  if (who.me.room < 64 * 2 ** 20 && who.me.offered > 0) add(`There is room for ${size(who.me.room)} only: friends can't store more here`, '#/settings');
  return all;
}
