import { html, useCall, useState, useAct, useRef, Loaded, Title, Table, Bytes, Dialog, Typed, Copy, Trouble, Jobs, AsOf, useEffect } from '../ui.js';
import { post, save } from '../api.js';
import { date, count, size } from '../format.js';
import { putAll, running } from '../work.js';
import { chosen, dropped } from '../folder.js';
import { AsOfDay, Versions } from './versions.js';

const presets = [['light', 'light: one friend may go'], ['safe', 'safe: half of them may go'], ['paranoid', 'paranoid: most of them may go']];

const atOnce = 1000;

// today is the day where this browser is.
const today = () => new Date(Date.now() - new Date().getTimezoneOffset() * 60e3).toISOString().slice(0, 10);

export function Files({ rest }) {
  const [before, setBefore] = useState([]); // earlier pages
  const files = useCall(`/v1/files?limit=${atOnce}${before.length ? '&after=' + before.at(-1).index : ''}`);
  const sums = useCall('/v1/files/summary');
  const [day, setDay] = useState('');
  const [find, setFind] = useState('');
  const [open, setOpen] = useState(null);
  const runs = running();
  const columns = [
    { name: 'Name', of: (f) => f.name || f.index, show: (f) => html`<button class="plain" onClick=${() => setOpen(f)}><span class="break">${f.name || f.index}</span></button>` },
    { name: 'Size', num: true, of: (f) => f.size, show: (f) => html`<${Bytes} of=${f.size} />` },
    { name: 'Put', of: (f) => -f.put, show: (f) => date(f.put) },
    { name: 'With friends', num: true, of: (f) => f.placed - f.wanted, show: (f) => html`<span class=${f.placed < f.layout.k ? 'bad' : f.placed < f.wanted ? 'warn' : 'good'}>${f.placed} of ${f.wanted}</span>` },
    { name: 'Needed', num: true, of: (f) => f.layout.k },
    { name: 'Do', of: () => 0, show: (f) => (f.cap ? html`<button onClick=${() => save(f.cap, f.name.split('/').at(-1))} aria-label="Save ${f.name}">Save</button>` : html`<span class="small soft">its cap isn't here</span>`) },
  ];
  return html`<${Title}>Files<//>
    <${Add} folder=${rest[0] === 'folder'} />
    ${runs.some((r) => r.file) && html`<section class="card" aria-label="What runs"><${Jobs} of=${runs.filter((r) => r.file)} /></section>`}
    <div class="row"><label class="row">Files as of <input class="day" type="date" value=${day} max=${today()} onInput=${(e) => setDay(e.target.value)} /></label>
      ${day && html`<button onClick=${() => setDay('')}>Now</button>`}</div><p></p>
    ${day ? html`<${AsOfDay} day=${day} />` : html`<${Loaded} of=${files}>${(page) => {
    const all = [...before, ...page];
    const found = all.filter((f) => (f.name || f.index).toLowerCase().includes(find.toLowerCase()));
    return html`${all.length > 8 && html`<label>Find<input type="search" value=${find} onInput=${(e) => setFind(e.target.value)} /></label>`}
      <${Table} caption=${`${sums.data && sums.data.files > all.length ? `${all.length} of ${count(sums.data.files, 'file')}` : count(all.length, 'file')} of yours with friends`} columns=${columns} rows=${found} keyOf=${(f) => f.index}
        empty=${all.length ? 'No file has such a name.' : 'No file yet: choose one above.'} />
      ${page.length >= atOnce && html`<p><button onClick=${() => setBefore(all)}>Show ${atOnce} more</button> <span class="small soft">Find and sort look at those that are shown.</span></p>`}
      <${AsOf} t=${sums.data?.as_of} />
      <p class="small soft">A file of up to 128 bytes needs no friends: it lies in its cap. Such files, and what was under a name before, are in <button class="link" onClick=${() => setDay(today())}>the files as of today</button>.</p>`;
  }}<//>`}
    <${OpenCap} />
    ${open && html`<${One} file=${open} close=${() => setOpen(null)} />`}`;
}

// Add takes files and folders, chosen or dropped.
function Add({ folder }) {
  const [over, setOver] = useState(false);
  const [preset, setPreset] = useState('safe');
  const pick = useRef(null);
  const add = (list) => putAll(list, { preset });
  useEffect(() => { if (folder) pick.current?.focus(); }, [folder]);
  const input = (id, label, more, main) => html`<span><input id=${id} ref=${main ? pick : null} type="file" multiple class="file" ...${more} onChange=${(e) => { add(chosen(e.target.files)); e.target.value = ''; }} /><label for=${id} class="button ${main ? 'main' : ''}">${label}</label></span>`;
  return html`<div class="drop ${over ? 'over' : ''}" onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${(e) => { e.preventDefault(); setOver(false); dropped(e.dataTransfer).then(add); }}>
      <p class="row" style="justify-content:center">${input('pick', 'Choose files', {}, !folder)} ${input('folder', 'Choose a folder', { webkitdirectory: true }, folder)} <span>or drop them here.</span></p>
      <p class="soft small">They are encrypted on this machine, cut into shares, and spread over your friends. What is in a folder is kept as folder/path/name, and goes on while you look at other screens; what is with friends already isn't sent again.</p>
      <label class="row" style="justify-content:center">How safe <select onChange=${(e) => setPreset(e.target.value)} style="width:auto">
        ${presets.map(([value, text]) => html`<option value=${value} selected=${value === preset}>${text}</option>`)}</select></label>
    </div>`;
}

// One tells where a file lies, and how it is.
function One({ file, close }) {
  const [state, set] = useState({});
  const [asking, ask] = useState(false);
  const [looking, look] = useState(false);
  const [act, busy] = useAct();
  useEffect(() => {
    if (file.cap) post('/v1/where', { cap: file.cap }).then((where) => set({ where }), (error) => set({ error }));
  }, [file.index]);
  const w = state.where;
  const columns = [
    { name: 'Share', of: (s) => s.number },
    { name: 'At', of: (s) => s.name || '–' },
    { name: 'State', of: (s) => s.state, show: (s) => html`<span class=${{ held: 'good', lost: 'bad', missing: 'bad', unknown: 'warn' }[s.state] || ''}>${s.state}</span>` },
    { name: 'Bytes', num: true, of: (s) => s.charge, show: (s) => html`<${Bytes} of=${s.charge} />` },
  ];
  if (asking) {
    return html`<${Typed} title="Remove" word=${file.name || 'remove'} text=${`Friends delete their shares of ${file.name}. Without another copy it is gone.`} close=${() => ask(false)}
      act=${async () => { await act(() => post('/v1/rm', { cap: file.cap }), (r) => `${file.name} is removed; ${size(r.freed)} are free again.`); close(); }} />`;
  }
  return html`<${Dialog} title=${file.name || file.index} close=${close}>
    <p>${size(file.size)}, put ${date(file.put)}; any ${count(file.layout.k, 'share')} of ${file.layout.n} give it back.</p>
    ${state.error && html`<${Trouble} error=${state.error} />`}
    ${!file.cap && html`<p class="warn">The cap of this file isn't kept here, so it can't be looked for, saved or removed from this page.</p>`}
    ${file.cap && !w && !state.error && html`<p class="soft" role="status">Asking friends …</p>`}
    ${w && html`<p class=${w.readable ? 'good' : 'bad'}>${w.readable ? `It can be read now; any ${w.survives} of the friends that answered may go.` : 'It can\'t be read now from the friends that answered.'}</p>
      <${Table} caption="Where it lies" columns=${columns} rows=${w.shares} keyOf=${(s) => s.number + s.host} empty="No friend answered." />`}
    ${file.cap && html`<h3>Share it</h3><p class="small soft">Who has the cap can read the file. Send it only where you'd send the file itself.</p>
      <p class="mono break">${file.cap}</p><div class="row"><${Copy} text=${file.cap} what="The cap" /><button onClick=${() => save(file.cap, file.name.split('/').at(-1))}>Save</button>
      <button class="danger" disabled=${busy} onClick=${() => ask(true)}>Remove …</button></div>`}
    ${file.name && html`<details onToggle=${(e) => look(e.target.open)}><summary>Versions of this name</summary>${looking && html`<${Versions} name=${file.name} />`}</details>`}
    <p></p><div class="row end"><button onClick=${close}>Close</button></div><//>`;
}

function OpenCap() {
  const [cap, set] = useState('');
  const [act, busy] = useAct();
  return html`<section class="card" aria-labelledby="opencap"><h2 id="opencap">Open a cap that somebody gave you</h2>
    <form class="row" onSubmit=${(e) => { e.preventDefault(); act(() => save(cap.trim(), 'potluck-file')); }}>
      <label class="grow">Cap<input value=${cap} autocomplete="off" spellcheck="false" onInput=${(e) => set(e.target.value)} /></label><button disabled=${busy || !cap.trim()}>Save the file</button></form></section>`;
}
