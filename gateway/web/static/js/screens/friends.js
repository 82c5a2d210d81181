import { html, useCall, useState, Loaded, Title, Table, Bytes, Online, Step, Seen, AsOf } from '../ui.js';
import { at } from '../api.js';
import { size, ago, date, day, count } from '../format.js';
import { Terms } from './intent.js';
import { Ladder } from './standing.js';
import { Danger } from './sanctions.js';

const via = (f) => f.credit_from.map((x) => (x.via.length ? `via ${x.via.map((p) => p.name).join(', ')}` : 'its own')).join('; ') || 'none yet';

const columns = [
  { name: 'Friend', of: (r) => r.name, show: (r) => html`<a href="#/friends/${r.peer}">${r.name || 'unnamed'}</a>${r.friend ? '' : html` <span class="small soft">${r.sponsored ? 'sponsored' : 'no friend'}</span>`}<div class="small soft why">${r.reason}</div>` },
  { name: 'Now', of: (r) => (r.connected ? 0 : 1), show: (r) => html`<${Online} on=${r.connected} />` },
  { name: 'Holds for you', num: true, of: (r) => r.holds_for_me.bytes, show: (r) => html`<${Bytes} of=${r.holds_for_me.bytes} />${r.holds_for_me.shares > 0 && html`<div class="small soft">${r.proven ? `proven ${ago(r.proven)}` : 'not proven yet'}</div>`}` },
  { name: 'You hold', num: true, of: (r) => r.i_hold.bytes, show: (r) => html`<${Bytes} of=${r.i_hold.bytes} />` },
  { name: 'Could add', num: true, of: (r) => r.free, show: (r) => html`<${Bytes} of=${r.free} />` },
  { name: 'Credit from', of: via },
  { name: 'Reach', of: (r) => r.distance, show: (r) => (r.friend ? 'friend' : r.distance > 0 ? count(r.distance, 'pointer') : 'none') },
  { name: 'Standing', of: (r) => r.standing.step, show: (r) => html`<${Step} step=${r.standing.step} />` },
  { name: 'Last seen', of: (r) => (r.connected ? -1e12 : -r.last_seen), show: (r) => html`<${Seen} row=${r} />` },
];

export function Friends() {
  const who = useCall('/v1/who');
  return html`<${Title}>Friends<//>
    <${Loaded} of=${who}>${(w) => html`
      <${Table} caption="What each friend and you hold for each other" columns=${columns} rows=${w.rows} keyOf=${(r) => r.peer}
        empty=${html`You have no friends here yet. <a href="#/invite">Invite one</a>, or accept an invite.`}
        foot=${['All', '', html`<${Bytes} of=${w.totals.hold_for_me.bytes} />`, html`<${Bytes} of=${w.totals.i_hold.bytes} />`, '', '', '', '', '']} />
      <${AsOf} t=${w.as_of} />`}<//>`;
}

export function FriendPage({ rest }) {
  const peer = rest[0];
  const who = useCall('/v1/who');
  return html`<p><a href="#/friends">All friends</a></p><${Loaded} of=${who}>${(w) => {
    const row = w.rows.find((r) => r.peer === peer);
    return row ? html`<${Friend} row=${row} />` : html`<${Title}>Unknown<//><p>Your books don't know this node.</p>`;
  }}<//>`;
}

function Friend({ row }) {
  const why = useCall(at(row.peer, '/why'));
  return html`<${Title}>${row.name || 'unnamed'}<//>
    <p><${Online} on=${row.connected} /> · last seen <${Seen} row=${row} /> · friend since ${day(row.first_seen)}</p>
    <section class="card" aria-labelledby="why"><h2 id="why">Why</h2>
      <${Loaded} of=${why}>${(w) => html`<p class="lead">${w.sentence}</p>${w.more.map((m) => html`<p>${m}</p>`)}<${AsOf} t=${w.as_of} />`}<//></section>
    <div class="cards">
      <section class="card"><h2>Holds for you</h2><p class="big">${size(row.holds_for_me.bytes)}</p>
        <p class="soft">${row.proven ? `last proven ${ago(row.proven)}` : 'by its signed receipts'}</p></section>
      <section class="card"><h2>You hold for it</h2><p class="big">${size(row.i_hold.bytes)}</p>
        <p class="soft">it could add ${size(row.free)}${row.short ? html`; <span class="bad">${size(row.short)} aren't covered</span>` : ''}</p></section>
    </div>
    <section class="card" aria-labelledby="terms"><h2 id="terms">What it may have</h2><${Terms} row=${row} /></section>
    <section class="card" aria-labelledby="standing"><h2 id="standing">Standing</h2><${Ladder} row=${row} /></section>
    <section class="card" aria-labelledby="rows"><h2 id="rows">The books, row by row</h2>
      <${Side} row=${row} side="placed" sum=${row.holds_for_me} what="share it holds for you" whats="shares it holds for you" />
      <${Side} row=${row} side="held" sum=${row.i_hold} what="share you hold for it" whats="shares you hold for it" />
      <p class="small soft break">Peer ID: <span class="mono">${row.peer}</span></p></section>
    <${Danger} row=${row} />`;
}

const share = (x) => html`<span class="mono">${x.share.index}/${x.share.number}</span>`;
const exact = (bytes) => bytes.toLocaleString('en');

// What the two figures are sums of, row by row.
const sides = {
  held: [
    { name: 'Share', of: (x) => x.share.index + x.share.number, show: share },
    { name: 'State', of: (x) => (x.pending ? 'arriving' : x.state) },
    { name: 'Since', of: (x) => x.since, show: (x) => date(x.since) },
    { name: 'Bytes', num: true, of: (x) => x.charge, show: (x) => exact(x.charge) },
  ],
  placed: [
    { name: 'Share', of: (x) => x.share.index + x.share.number, show: share },
    { name: 'State', of: (x) => x.state },
    { name: 'Proven', of: (x) => x.last_good, show: (x) => ago(x.last_good) },
    { name: 'Bytes', num: true, of: (x) => (x.counted ? x.charge : 0), show: (x) => (x.counted ? exact(x.charge) : html`<s>${exact(x.charge)}</s>`) },
  ],
};

const atOnce = 200;

// Side shows the rows of one figure, some at a time.
function Side({ row, side, sum, what, whats }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(e) => setOpen(e.target.open)}><summary>${count(sum.shares, what, whats)}: ${exact(sum.bytes)} bytes</summary>
    ${open && html`<${Rows} row=${row} side=${side} caption=${whats} />`}</details>`;
}

function Rows({ row, side, caption }) {
  const [all, set] = useState([]);
  const [after, setAfter] = useState('');
  const part = useCall(`/v1/who/${row.peer}/shares?side=${side}&limit=${atOnce}${after && '&after=' + after}`);
  const rows = part.data ? [...all, ...(side === 'held' ? part.data.i_hold : part.data.holds_for_me)] : all;
  const last = rows.at(-1);
  return html`<${Loaded} of=${part}>${(s) => html`
    <${Table} caption=${caption} columns=${sides[side]} rows=${rows} keyOf=${(x) => x.share.index + x.share.number} empty="None."
      foot=${['Sum of all', '', '', exact(side === 'held' ? s.sums.i_hold.bytes : s.sums.hold_for_me.bytes)]} />
    <${Signed} of=${side === 'held' ? s.stated.i_hold : s.stated.hold_for_me} />
    ${s.more && html`<button onClick=${() => { set(rows); setAfter(`${last.share.index}/${last.share.number}`); }}>Show ${atOnce} more</button>`}
    <${AsOf} t=${s.as_of} />`}<//>`;
}

const signers = { both: 'Both of you', host: 'The holder alone', owner: 'The owner alone' };

// Signed says what was signed about the figure, which may be older than the books.
function Signed({ of }) {
  if (of.length === 0) return html`<p class="small soft">Nobody has signed anything about it yet.</p>`;
  return html`<ul class="small soft">${of.map((x) => html`<li>${signers[x.signed]} signed ${exact(x.bytes)} bytes in ${count(x.shares, 'share')}, as number ${x.number}, ${date(x.time)}.</li>`)}</ul>`;
}
