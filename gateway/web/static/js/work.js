// What this page works on: it goes on while one moves between screens.
import { useState, useEffect, changed, tell } from './ui.js';
import { stream } from './api.js';
import { size } from './format.js';

let jobs = [];
const watchers = new Set();

function show() {
  jobs = [...jobs];
  for (const w of watchers) w(jobs);
}

export function running() {
  const [all, set] = useState(jobs);
  useEffect(() => { watchers.add(set); return () => watchers.delete(set); }, []);
  return all;
}

const stages = { hashing: 'reading it', placing: 'asking friends', sending: 'sending to friends', finishing: 'finishing' };

// put sends a file to friends.
export async function put(file, options) {
  const stop = new AbortController();
  const job = { name: file.name, text: 'waiting', part: 0, stop: () => stop.abort() };
  jobs.push(job);
  show();
  const q = new URLSearchParams({ name: file.name, ...options });
  try {
    const r = await stream('POST', '/v1/put?' + q, file, (p) => {
      job.text = `${stages[p.stage] || p.stage}, ${size(p.done)} of ${size(p.total)}`;
      job.part = p.total ? p.done / p.total : 0;
      show();
    }, stop.signal);
    tell(r.layout.n ? `${file.name} is with ${r.happy} friends.` : `${file.name} is so small that it lies in its cap: ${r.cap}`);
    return r;
  } catch (e) {
    tell(e.name === 'AbortError' ? `${file.name}: stopped; put it again, and only what is missing is sent.` : `${file.name}: ${e.message}`, 'bad');
    return undefined;
  } finally {
    jobs = jobs.filter((j) => j !== job);
    show();
    changed();
  }
}
