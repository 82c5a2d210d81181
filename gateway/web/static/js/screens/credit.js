import { html, useCall, useState, useEffect, useAct, Loaded, Title, Table, Bytes, AsOf, Step } from '../ui.js';
import { post } from '../api.js';
import { size, parseSize, percent, date, day } from '../format.js';

export function Credit() {
  const heard = useCall('/v1/credit'); // at once; the hosts are asked meanwhile
  const asked = useCall('/v1/credit?ask=true');
  const credit = asked.data ? asked : heard;
  const friends = useCall('/v1/friends');
  return html`<${Title}>Credit<//><p class="soft">Who holds for somebody has credit there. A pointer lets a friend use some of yours.</p>
    <${Loaded} of=${credit}>${(c) => html`<${Mine} c=${c} /><${Flows} c=${c} />
      <${Loaded} of=${friends}>${(f) => html`<${Assign} friends=${f} />`}<//>
      <${Pointers} c=${c} /><${AsOf} t=${c.as_of} />`}<//>`;
}

function Mine({ c }) {
  const columns = [
    { name: 'At', of: (x) => x.name, show: (x) => html`<a href="#/friends/${x.peer}">${x.name || 'unnamed'}</a>` },
    { name: 'You could add', num: true, of: (x) => x.free, show: (x) => (x.known ? html`<${Bytes} of=${x.free} />` : 'unknown') },
    { name: 'Your own', num: true, of: (x) => x.supply, show: (x) => (x.known ? html`<${Bytes} of=${x.supply} />` : 'unknown') },
    { name: 'Used', num: true, of: (x) => x.held + x.reserved, show: (x) => (x.known ? html`<${Bytes} of=${x.held + x.reserved} />` : 'unknown') },
    { name: 'From others', of: (x) => x.sponsors.length, show: (x) => x.sponsors.map((s) => html`<div>${size(s.used)} of ${size(s.limit)} via ${s.name}</div>`) },
    { name: 'Your standing', of: (x) => x.step || '', show: (x) => (x.known ? html`<${Step} step=${x.step} />` : 'unknown') },
    { name: 'Said', of: (x) => -x.as_of, show: (x) => (x.known ? date(x.as_of) : 'never') },
  ];
  return html`<section class="card" aria-labelledby="mine"><h2 id="mine">Your credit</h2>
    <${Table} caption="What you may store where" columns=${columns} rows=${c.mine} keyOf=${(x) => x.peer} empty=${html`Nobody owes you anything yet. <a href="#/invite">Invite a friend</a>: who holds for you, and for whom you hold, stands here.`} /></section>`;
}

// Flows draws what is pointed to this node and away from it, as bands whose
// width is the amount.
function Flows({ c }) {
  const bands = [...c.in.map((p) => ({ who: p.from.name, at: p.host?.name, amount: p.limit ?? 0, used: p.used, share: p.share_ppm, side: 'in', state: p.state })),
    ...c.out.map((p) => ({ who: p.to.name, at: p.host?.name, amount: p.limit ?? 0, used: p.used, share: p.share_ppm, side: 'out', state: p.state }))];
  if (bands.length === 0) return null;
  const most = Math.max(...bands.map((b) => b.amount), 1);
  const rows = (side) => bands.filter((b) => b.side === side);
  const height = Math.max(60 * Math.max(rows('in').length, rows('out').length) + 20, 110);
  const words = (b) => `${b.who}${b.at ? ` at ${b.at}` : ''}: ${b.amount ? `up to ${size(b.amount)}` : b.share ? percent(b.share) : 'without limit'}${b.used ? `, ${size(b.used)} used` : ''}${b.state === 'live' ? '' : ` (${b.state})`}`;
  const band = (b, i, left) => {
    const y = 45 + 60 * i; const width = 3 + 22 * (b.amount ? b.amount / most : 0.4);
    const path = left ? `M 180 ${y} C 300 ${y} 300 ${height / 2} 390 ${height / 2}` : `M 450 ${height / 2} C 540 ${height / 2} 540 ${y} 660 ${y}`;
    return html`<g><path class=${b.side} d=${path} stroke-width=${width} /><text x=${left ? 4 : 664} y=${y - 8}>${words(b).slice(0, 28)}</text><text x=${left ? 4 : 664} y=${y + 8}>${words(b).slice(28, 60)}</text></g>`;
  };
  return html`<section class="card" aria-labelledby="flows"><h2 id="flows">Pointers to you, and from you</h2>
    <svg class="graph" viewBox="0 0 840 ${height}" role="img" aria-label=${'Pointers. To you: ' + (rows('in').map(words).join('; ') || 'none') + '. From you: ' + (rows('out').map(words).join('; ') || 'none')}>
      ${rows('in').map((b, i) => band(b, i, true))}${rows('out').map((b, i) => band(b, i, false))}
      <circle class="me" cx="420" cy=${height / 2} r="26" /><text x="420" y=${height / 2 + 44} text-anchor="middle">you</text></svg></section>`;
}

// What a change does was in its preview; this says that it is done.
const signed = (r) => `It is signed as order ${r.number}, good until ${day(r.expires)}. ${r.waiting.length ? `${r.waiting.map((p) => p.name).join(', ')} will get it when met.` : ''}`;

function Assign({ friends }) {
  const [said, say] = useState({ to: '', host: '', limit: '', share: '', until: '', loan: false });
  const [preview, show] = useState(null);
  const [act, busy] = useAct();
  const { body, wrong } = read(said);
  useEffect(() => {
    if (wrong || !said.to) { show(null); return undefined; }
    let late = false;
    const timer = setTimeout(() => post('/v1/credit/to', { ...body, dry_run: true }).then((p) => late || show(p), (e) => late || show({ sentence: e.message, lines: [] })), 300);
    return () => { late = true; clearTimeout(timer); };
  }, [JSON.stringify(body), wrong]);
  const set = (key) => (e) => say({ ...said, [key]: e.target.type === 'checkbox' ? e.target.checked : e.target.value });
  return html`<section class="card" aria-labelledby="assign"><h2 id="assign">Let somebody use your credit</h2>
    <form onSubmit=${(e) => { e.preventDefault(); act(() => post('/v1/credit/to', body), signed).then((r) => r && say({ ...said, to: '' })); }}>
      <div class="fields">
        <label>Who<select onChange=${set('to')}><option value="" selected=${!said.to}>choose</option>${friends.map((f) => html`<option value=${f.peer} selected=${f.peer === said.to}>${f.name || f.peer}</option>`)}</select></label>
        <label>At<select onChange=${set('host')}><option value="" selected=${!said.host}>any host</option>${friends.filter((f) => f.peer !== said.to).map((f) => html`<option value=${f.peer} selected=${f.peer === said.host}>${f.name || f.peer}</option>`)}</select></label>
        <label>At most<input placeholder="like 10 GiB" value=${said.limit} onInput=${set('limit')} /></label>
        <label>At most, percent of yours<input inputmode="decimal" value=${said.share} onInput=${set('share')} /></label>
        <label>Until<input type="date" value=${said.until} onInput=${set('until')} /></label>
        <label class="check"><input type="checkbox" checked=${said.loan} onChange=${set('loan')} />A loan: what is used counts as theirs with you</label>
      </div>
      <div role="status" aria-live="polite">${wrong ? html`<p class="bad">${wrong}</p>` : preview && html`<p>${preview.sentence}</p><ul class="small">${preview.lines.map((l) => html`<li>${l.sentence}</li>`)}</ul>`}</div>
      <button class="main" disabled=${busy || !said.to || Boolean(wrong)}>Sign</button></form></section>`;
}

function read(said) {
  const body = { to: said.to };
  if (said.host) body.host = said.host;
  if (said.limit.trim()) {
    body.limit = parseSize(said.limit);
    if (Number.isNaN(body.limit)) return { body: {}, wrong: `"${said.limit}" is no size; write one like 10 GiB.` };
  }
  if (said.share.trim()) {
    const n = Number(said.share);
    if (!(n > 0 && n <= 100)) return { body: {}, wrong: `"${said.share}" is no percentage; write a number up to 100.` };
    body.share_ppm = Math.round(n * 10000);
  }
  if (said.until) body.until = Date.parse(said.until + 'T00:00:00Z') / 1000;
  if (said.loan) body.loan = true;
  return { body, wrong: '' };
}

function Pointers({ c }) {
  const [act, busy] = useAct();
  const bound = (p) => [p.limit != null && `up to ${size(p.limit)}`, p.share_ppm != null && percent(p.share_ppm)].filter(Boolean).join(', ') || 'no limit';
  const common = [
    { name: 'At', of: (p) => p.host?.name || 'any host' },
    { name: 'Bound', of: bound },
    { name: 'Used', num: true, of: (p) => p.used, show: (p) => html`<${Bytes} of=${p.used} />` },
    { name: 'State', of: (p) => p.state + (p.loan ? ', a loan' : '') },
    { name: 'Ends', of: (p) => p.expires, show: (p) => day(p.expires) },
  ];
  const out = [{ name: 'To', of: (p) => p.to.name }, ...common, {
    name: 'Do', of: () => 0, show: (p) => html`<button disabled=${busy} onClick=${() => act(() => post('/v1/credit/revoke', { to: p.to.peer, ...(p.host ? { host: p.host.peer } : {}) }), signed)}>Revoke</button>` }];
  const into = [{ name: 'From', of: (p) => p.from.name }, ...common, {
    name: 'Do', of: () => 0, show: (p) => html`<button disabled=${busy} onClick=${() => act(() => post('/v1/credit/decline', { issuer: p.from.peer, undo: p.state === 'declined' }), signed)}>${p.state === 'declined' ? 'Take it' : 'Decline'}</button>` }];
  const keyOf = (p) => p.from.peer + p.to.peer + (p.host?.peer || '');
  return html`<section class="card" aria-labelledby="out"><h2 id="out">Signed by you</h2><${Table} caption="Your pointers" columns=${out} rows=${c.out} keyOf=${keyOf} empty="None. Your credit is yours alone." /></section>
    <section class="card" aria-labelledby="in"><h2 id="in">Signed for you</h2><${Table} caption="Pointers to you" columns=${into} rows=${c.in} keyOf=${keyOf} empty="None. A friend who has credit can point some of it to you." /></section>`;
}
