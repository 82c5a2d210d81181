import { html, useCall, useState, useEffect, useRef, Loaded, Title, load, download, AsOf, Trouble } from '../ui.js';
import { size } from '../format.js';
import { matrixOf, csv, dot } from '../matrix.js';
import { Grid } from '../grid.js';

export function Web() {
  const who = useCall('/v1/who');
  const published = useCall('/v1/matrix');
  const [view, setView] = useState('table');
  return html`<${Title}>Who holds for whom<//><p class="soft">From your own books, and from what your friends signed and publish to you. Where two nodes' words differ, the cell is marked.</p>
    <${Loaded} of=${who}>${(w) => {
    const m = matrixOf(w, published.data);
    if (m.nodes.length < 2) return html`<p>There is nobody to show yet. <a href="#/invite">Invite a friend</a>.</p>`;
    return html`<div class="row"><div role="group" aria-label="View" class="row">
        <button aria-pressed=${view === 'table'} class=${view === 'table' ? 'main' : ''} onClick=${() => setView('table')}>Table</button>
        <button aria-pressed=${view === 'graph'} class=${view === 'graph' ? 'main' : ''} onClick=${() => setView('graph')}>Graph</button></div>
      <span class="grow"></span>
      <button onClick=${() => download('potluck-web.csv', 'text/csv', csv(m))}>CSV</button>
      <button onClick=${() => download('potluck-web.json', 'application/json', JSON.stringify(m, null, 1))}>JSON</button>
      <button onClick=${() => download('potluck-web.dot', 'text/vnd.graphviz', dot(m))}>DOT</button></div><p></p>
      ${view === 'table' ? html`<${Grid} m=${m} />` : html`<${Graph} m=${m} />`}
      ${m.differ.length > 0 && html`<section class="card" aria-labelledby="differ"><h2 id="differ">Words that differ</h2><ul class="list">${m.differ.map((d) => html`<li>${d}</li>`)}</ul></section>`}
      ${published.error && published.error.kind !== 'usage' && html`<${Trouble} error=${published.error} />`}<${AsOf} t=${w.as_of} />`;
  }}<//>`;
}

const d3 = ['dispatch', 'quadtree', 'timer', 'force'].map((n) => `/vendored/d3/d3-${n}.min.js`);

function Graph({ m }) {
  const [state, set] = useState({});
  const ref = useRef(null);
  useEffect(() => {
    (async () => {
      for (const src of d3) await load(src); // each needs the one before it
      set({ at: lay(m) });
    })().catch((error) => set({ error }));
  }, [m]);
  if (state.error) return html`<${Trouble} error=${state.error} />`;
  if (!state.at) return html`<p class="soft" role="status">Laying it out …</p>`;
  const { nodes, links } = state.at;
  const most = Math.max(...links.map((l) => l.bytes), 1);
  const save = () => {
    const copy = ref.current.cloneNode(true);
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
    style.textContent = 'text{font:12px sans-serif}circle{fill:#9a3f12}circle.me{fill:#2f5d8a}line{stroke:#665d53;opacity:.6}';
    copy.prepend(style);
    download('potluck-web.svg', 'image/svg+xml', new XMLSerializer().serializeToString(copy));
  };
  return html`<svg class="graph" ref=${ref} viewBox="-400 -300 800 600" role="img" aria-label=${`A graph of ${nodes.length} nodes and ${links.length} holdings`}>
      ${links.map((l) => html`<line x1=${l.source.x} y1=${l.source.y} x2=${l.target.x} y2=${l.target.y} stroke-width=${1 + 7 * Math.sqrt(l.bytes / most)}><title>${l.source.name} and ${l.target.name}: ${size(l.bytes)}</title></line>`)}
      ${nodes.map((n) => html`<g><circle class=${n.me ? 'me' : ''} cx=${n.x} cy=${n.y} r="9"><title>${n.name}</title></circle><text x=${n.x + 12} y=${n.y + 4}>${n.name}</text></g>`)}</svg>
    <p></p><button onClick=${save}>SVG</button>`;
}

// lay finds places for nodes and the sums of what each two hold for each other.
function lay(m) {
  const nodes = m.nodes.map((n) => ({ ...n }));
  const by = new Map(nodes.map((n) => [n.peer, n]));
  const sums = new Map();
  for (const [holder, row] of Object.entries(m.cells)) {
    for (const [owner, c] of Object.entries(row)) {
      const key = [holder, owner].sort().join(' ');
      sums.set(key, (sums.get(key) || 0) + c.bytes);
    }
  }
  const links = [...sums].map(([key, bytes]) => { const [a, b] = key.split(' '); return { source: by.get(a), target: by.get(b), bytes }; });
  const f = window.d3;
  f.forceSimulation(nodes).force('link', f.forceLink(links).distance(110)).force('charge', f.forceManyBody().strength(-260))
    .force('x', f.forceX().strength(0.06)).force('y', f.forceY().strength(0.08)).force('apart', f.forceCollide(16)).stop().tick(300);
  const reach = Math.max(...nodes.map((n) => Math.max(Math.abs(n.x) / 340, Math.abs(n.y) / 270)), 0.1);
  for (const n of nodes) { n.x = Math.round(n.x / reach); n.y = Math.round(n.y / reach); }
  return { nodes, links };
}
