import { html, useCall, useState, useEffect, useAct, Loaded, Title, Table, Copy, AsOf } from '../ui.js';
import { call, post } from '../api.js';
import { date, size, percent } from '../format.js';

const offer = (t) => [t.opening > 0 && `${size(t.opening)} to begin with`, t.gift > 0 && `a gift of ${size(t.gift)}`, t.paid > 0 && `${size(t.paid)} until ${date(t.paid_until)}`,
  t.ratio_ppm > 0 && `${percent(t.ratio_ppm)} of what it holds`].filter(Boolean).join(', ') || 'nothing';

export function Invite() {
  const invites = useCall('/v1/invites');
  const [made, setMade] = useState(null);
  return html`<${Title}>Invite<//><div class="cards"><${Make} made=${setMade} /><${Join} /></div>
    ${made && html`<${Link} invite=${made} />`}
    <${Loaded} of=${invites}>${(all) => html`<${List} all=${all} />`}<//>`;
}

function Make({ made }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('7');
  const [act, busy] = useAct();
  return html`<section class="card" aria-labelledby="make"><h2 id="make">Invite a friend</h2>
    <form onSubmit=${(e) => { e.preventDefault(); act(() => post('/v1/invites', { name: name.trim(), expires_seconds: Number(days) * 86400 })).then((i) => i && made(i)); }}>
      <div class="fields"><label>Your friend's name<input required value=${name} maxlength="64" onInput=${(e) => setName(e.target.value)} /></label>
      <label>Good for days<input type="number" min="1" max="90" value=${days} onInput=${(e) => setDays(e.target.value)} /></label></div>
      <p class="small soft">Your friend may store 1 GiB with you to begin with, and as much as it holds for you. You can change that in Intent.</p>
      <button class="main" disabled=${busy || !name.trim()}>Make an invite</button></form></section>`;
}

// Link shows an invite, which is told only once.
function Link({ invite }) {
  const [code, set] = useState(null);
  useEffect(() => { post('/v1/qr', { text: invite.link }).then(set, () => set(null)); }, [invite.link]);
  return html`<section class="card" aria-labelledby="link"><h2 id="link">For ${invite.name}</h2>
    <p>Send this to ${invite.name} by a way that only the two of you read. It works once, until ${date(invite.expires)}, and is shown only now.</p>
    ${code && html`<svg class="qr" viewBox=${`-2 -2 ${code.size + 4} ${code.size + 4}`} role="img" aria-label="The invite as a QR code"><path d=${code.path} fill="#000" /></svg>`}
    <p class="mono break">${invite.link}</p><${Copy} text=${invite.link} what="The invite" />
    <p class="small soft">Your friend says: <code>potluck join LINK</code>, or pastes it on the page of the own node.</p></section>`;
}

function Join() {
  const [link, setLink] = useState('');
  const [name, setName] = useState('');
  const [found, setFound] = useState(null);
  const [act, busy] = useAct();
  const body = { link: link.trim(), ...(name.trim() ? { name: name.trim() } : {}) };
  return html`<section class="card" aria-labelledby="join"><h2 id="join">Accept an invite</h2>
    <form onSubmit=${(e) => {
    e.preventDefault();
    if (!found) act(() => post('/v1/join', { ...body, dry_run: true })).then((f) => f && setFound(f));
    else act(() => post('/v1/join', body), (r) => `You and ${r.name} are friends.`).then(() => { setFound(null); setLink(''); });
  }}>
      <label>The link that you got<input value=${link} autocomplete="off" spellcheck="false" onInput=${(e) => { setLink(e.target.value); setFound(null); }} /></label>
      <label>What you call this friend<input value=${name} maxlength="64" placeholder="the name that it gives itself" onInput=${(e) => setName(e.target.value)} /></label>
      <p></p><div role="status" aria-live="polite">${found && html`<p>${found.name || 'This friend'} offers you ${offer(found.terms)}; you give ${offer(found.granted)}. Good until ${date(found.expires)}.</p>`}</div>
      <button class="main" disabled=${busy || !link.trim()}>${found ? 'Become friends' : 'Look at it'}</button></form></section>`;
}

function List({ all }) {
  const [act, busy] = useAct();
  const columns = [
    { name: 'For', of: (i) => i.name },
    { name: 'State', of: (i) => i.state, show: (i) => html`<span class=${i.state === 'live' ? 'good' : 'soft'}>${i.state}</span>` },
    { name: 'Offers', of: (i) => offer(i.terms) },
    { name: 'Made', of: (i) => -i.created, show: (i) => date(i.created) },
    { name: 'Ends', of: (i) => i.expires, show: (i) => date(i.expires) },
    { name: 'Do', of: () => 0, show: (i) => i.state === 'live' && html`<button disabled=${busy} onClick=${() => act(() => call('DELETE', `/v1/invites/${i.id}`), `The invite for ${i.name} is good no more.`)}>Revoke</button>` },
  ];
  return html`<section class="card" aria-labelledby="all"><h2 id="all">Invites so far</h2><${Table} caption="Your invites" columns=${columns} rows=${all} keyOf=${(i) => i.id} empty="None yet." /><${AsOf} /></section>`;
}
