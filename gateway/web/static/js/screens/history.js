import { html, useCall, useState, useEffect, useRef, Loaded, Title, load, Trouble } from '../ui.js';
import { size } from '../format.js';

export function History() {
  const friends = useCall('/v1/friends');
  const [peer, setPeer] = useState('');
  return html`<${Title}>History<//><${Loaded} of=${friends}>${(all) => {
    if (all.length === 0) return html`<p>There is no history without friends. <a href="#/invite">Invite one</a>.</p>`;
    const chosen = peer || all[0].peer;
    return html`<label>Friend<select value=${chosen} onChange=${(e) => setPeer(e.target.value)}>${all.map((f) => html`<option value=${f.peer}>${f.name || f.peer}</option>`)}</select></label><p></p>
      <${Days} peer=${chosen} key=${chosen} />`;
  }}<//>`;
}

function Days({ peer }) {
  const history = useCall(`/v1/friends/${encodeURIComponent(peer)}/history?days=90`);
  return html`<${Loaded} of=${history}>${(h) => html`<${Lines} h=${h} />`}<//>`;
}

function Lines({ h }) {
  const days = h.days;
  if (days.length === 0) return html`<p>Nothing yet: history begins with the first day on which you hold something for each other.</p>`;
  const x = days.map((d) => d.time);
  return html`
    <${Plot} title="Held both ways" x=${x} show=${size} lines=${[['it holds for you', days.map((d) => d.held_for_me)], ['you hold for it', days.map((d) => d.held)]]} />
    <${Plot} title="Uptime" x=${x} show=${(v) => (v == null ? '–' : v.toFixed(1) + ' %')} lines=${[['seen', days.map((d) => d.uptime)]]} />
    <${Plot} title="Traffic" x=${x} show=${size} lines=${[['from it', days.map((d) => d.in)], ['to it', days.map((d) => d.out)]]} />`;
}

const colours = ['--mine', '--theirs'];

function Plot({ title, x, lines, show }) {
  const ref = useRef(null);
  const [error, set] = useState(null);
  useEffect(() => {
    let plot = null; let gone = false;
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    load('/vendored/uplot/uPlot.iife.min.js').then(() => {
      if (gone) return;
      const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line') }, ticks: { stroke: colour('--line') } };
      plot = new window.uPlot({
        width: ref.current.clientWidth, height: 220,
        series: [{}, ...lines.map(([label], i) => ({ label, stroke: colour(colours[i]), width: 2, value: (_, v) => show(v) }))],
        axes: [axis, { ...axis, size: 80, values: (_, all) => all.map(show) }],
      }, [x, ...lines.map(([, y]) => y)], ref.current);
    }).catch(set);
    return () => { gone = true; plot?.destroy(); };
  }, [JSON.stringify(x), JSON.stringify(lines)]);
  const last = lines.map(([label, y]) => `${label} ${show(y.at(-1))}`).join(', ');
  return html`<section class="card" aria-label=${title}><h2>${title}</h2>${error && html`<${Trouble} error=${error} />`}<div ref=${ref} role="img" aria-label="${title} over ${x.length} days; last: ${last}"></div><p class="small soft">Last: ${last}.</p></section>`;
}
