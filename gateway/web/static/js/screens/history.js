import { html, useCall, useState, useEffect, useRef, Loaded, Title, load, Trouble, AsOf } from '../ui.js';
import { size, count, percent } from '../format.js';

export function History() {
  const friends = useCall('/v1/friends');
  const [peer, setPeer] = useState('');
  return html`<${Title}>History<//><${Loaded} of=${friends}>${(all) => {
    if (all.length === 0) return html`<p>There is no history without friends. <a href="#/invite">Invite one</a>.</p>`;
    const chosen = peer || all[0].peer;
    return html`<label>Friend<select onChange=${(e) => setPeer(e.target.value)}>${all.map((f) => html`<option value=${f.peer} selected=${f.peer === chosen}>${f.name || f.peer}</option>`)}</select></label><p></p>
      <${Days} peer=${chosen} key=${chosen} />`;
  }}<//>`;
}

function Days({ peer }) {
  const history = useCall(`/v1/friends/${encodeURIComponent(peer)}/history?from=${new Date(Date.now() - 89 * 86400e3).toISOString().slice(0, 10)}`);
  return html`<${Loaded} of=${history}>${(h) => html`<${Lines} h=${h} />`}<//>`;
}

function Lines({ h }) {
  const days = h.days;
  if (days.length === 0) return html`<p>Nothing yet: history begins with the first quarter of an hour in which both of you are here.</p>`;
  const x = days.map((d) => Date.parse(d.date + 'T00:00:00Z') / 1000);
  // What was held on a day is the mean over the windows in which this node ran.
  const mean = (key) => days.map((d) => (d.windows_of ? d[key] / d.windows_of : null));
  return html`<p class="lead">${h.name || 'It'} was here in ${percent(h.uptime_ppm)} of the time in which you were, in ${count(days.length, 'day')}; ${count(h.sum.audits_good, 'proof')} good, ${h.sum.audits_failed} failed.</p>
    <${Plot} title="Held both ways" x=${x} show=${size} lines=${[['it holds for you', mean('earned_windows')], ['you hold for it', mean('held_windows')]]} />
    <${Plot} title="Uptime" x=${x} show=${(v) => (v == null ? '–' : v.toFixed(1) + ' %')} lines=${[['here', days.map((d) => (d.windows_of ? 100 * d.windows_seen / d.windows_of : null))]]} />
    <${Plot} title="Traffic" x=${x} show=${size} lines=${[['from it', days.map((d) => d.bytes_in)], ['to it', days.map((d) => d.bytes_out)]]} />
    <p class="small soft">To prove what it holds, it is asked for ${count(h.proof.audits_a_day, 'small piece')} a day, ${size(h.proof.audit_bytes_day)} at most.</p><${AsOf} t=${h.as_of} />`;
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
