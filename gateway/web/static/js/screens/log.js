import { html, useState, useEffect, Title, Table, Trouble, useCall, AsOf } from '../ui.js';
import { log } from '../api.js';
import { date, size } from '../format.js';

const most = 1000;

export function Log() {
  const [state, set] = useState({ rows: null });
  const [find, setFind] = useState('');
  const status = useCall('/v1/status'); // read anew when the books change
  useEffect(() => {
    log(most).then((all) => set({ rows: all.slice(-most).reverse() }), (error) => set((s) => ({ ...s, error })));
  }, [status.data?.as_of]);
  const columns = [
    { name: 'No.', num: true, of: (e) => e.seq },
    { name: 'When', of: (e) => e.seq, show: (e) => date(e.time) },
    { name: 'What', of: (e) => e.kind },
    { name: 'Who', of: (e) => e.name || e.peer || '', show: (e) => (e.peer ? html`<a href="#/friends/${e.peer}">${e.name || e.peer.slice(-8)}</a>` : '') },
    { name: 'Bytes', num: true, of: (e) => e.bytes || 0, show: (e) => (e.bytes ? size(e.bytes) : '') },
    { name: 'Reason', of: (e) => e.reason || '', show: (e) => html`<span class="break">${e.reason || ''}</span>` },
  ];
  const text = (e) => `${e.kind} ${e.name || ''} ${e.reason || ''}`.toLowerCase();
  return html`<${Title}>Log<//><p class="soft">What happened in your books, newest first. Every event is chained to the one before it.</p>
    <label>Find<input type="search" value=${find} onInput=${(e) => setFind(e.target.value)} /></label>
    ${state.error && html`<${Trouble} error=${state.error} />`}
    ${state.rows ? html`<${Table} caption=${`The newest ${state.rows.length} events`} columns=${columns} down rows=${state.rows.filter((e) => text(e).includes(find.toLowerCase()))} keyOf=${(e) => e.seq} empty="Nothing like this happened." /><${AsOf} t=${status.data?.as_of} />`
    : html`<p class="soft" role="status">Looking …</p>`}`;
}
