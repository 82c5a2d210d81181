// What this page and its node work on: it goes on while one moves between screens.
import { useState, useEffect, changed, tell } from './ui.js';
import { stream } from './api.js';
import { size, count } from './format.js';
import { groups } from './folder.js';

let jobs = []; // puts of this page
let node = []; // what the node says that it works on
const watchers = new Set();

function show() {
  jobs = [...jobs];
  const all = [...jobs, ...node.filter((w) => !jobs.some((j) => w.kind === 'put' && j.now === w.name)).map(told)];
  for (const w of watchers) w(all);
}

// working takes what the node says of its work.
export function working(list) {
  node = list;
  show();
}

// running gives all that runs: {name, text, part, file, stop?}; part is null when
// it isn't known, file tells whether it is about files.
export function running() {
  const [all, set] = useState([]);
  useEffect(() => { watchers.add(set); show(); return () => watchers.delete(set); }, []);
  return all;
}

const stages = { hashing: 'reading it', placing: 'asking friends', sending: 'sending to friends', finishing: 'finishing', reading: 'reading from friends' };
const kinds = {
  put: 'Putting', get: 'Getting', repair: 'Repairing', check: 'Checking',
  crawl: 'Comparing the disk with the books', scrub: 'Reading once all that you keep for friends',
};

const stage = (p) => [stages[p.stage] || p.stage, p.total > 0 && `${size(p.done)} of ${size(p.total)}`].filter(Boolean).join(', ');

function told(w) {
  const file = w.kind === 'crawl' || w.kind === 'scrub' ? '' : ` ${w.name || 'a file'}`;
  const text = stage(w) || `${Math.floor(100 * w.part)} %`;
  return { file: Boolean(file), key: `${w.kind} ${w.name} ${w.began}`, name: kinds[w.kind] + file, text, part: w.total > 0 || !file ? w.part : null };
}

let jobsMade = 0;

// putAll sends files, and folders whole: [{file, name}]. A folder is one job.
export async function putAll(files, options) {
  for (const g of groups(files)) await putGroup(g, options);
}

async function putGroup(group, options) {
  const stop = new AbortController();
  const job = { file: true, key: `page ${jobsMade++}`, name: group.name, text: 'waiting', part: 0, now: '', stop: () => stop.abort() };
  jobs.push(job);
  show();
  const total = group.files.reduce((sum, f) => sum + f.file.size, 0);
  const failed = [];
  let before = 0; let done = 0;
  for (const f of group.files) {
    if (stop.signal.aborted) break;
    const many = group.folder ? `file ${done + failed.length + 1} of ${group.files.length}, ${f.name.slice(group.name.length + 1)}: ` : '';
    job.now = f.name;
    try {
      const r = await stream('POST', '/v1/put?' + new URLSearchParams({ name: f.name, ...options }), f.file, (p) => {
        job.text = many + stage(p);
        job.part = total ? (before + weight(p) * f.file.size) / total : 0;
        show();
      }, stop.signal);
      done++;
      if (!group.folder) tell(r.layout.n ? `${f.name} is with ${count(r.happy, 'friend')}.` : `${f.name} is so small that it lies in its cap: ${r.cap}`);
    } catch (e) {
      if (e.name === 'AbortError') break;
      failed.push(`${f.name}: ${e.message}`);
      if (e.kind === 'no-token' || e.kind === 'gone') break;
    }
    before += f.file.size;
    job.part = total ? before / total : 0;
    show();
  }
  jobs = jobs.filter((j) => j !== job);
  show();
  changed();
  say(group, done, failed, stop.signal.aborted);
}

// A put reads a file once for its key, and once to send it.
const weight = (p) => (p.total > 0 ? (p.stage === 'hashing' ? 0.3 * (p.done / p.total) : p.stage === 'sending' ? 0.3 + 0.7 * (p.done / p.total) : 0.3) : 0);

function say(group, done, failed, stopped) {
  const all = group.files.length;
  if (stopped) tell(`${group.name}: stopped${group.folder ? ` after ${done} of ${count(all, 'file')}` : ''}; put it again, and only what is missing is sent.`, 'bad');
  else if (failed.length > 0) tell(`${group.folder ? `${group.name}: ${done} of ${count(all, 'file')} are with friends. ` : ''}${failed.slice(0, 3).join(' ')}${failed.length > 3 ? ` And ${failed.length - 3} more couldn't be put.` : ''}`, 'bad');
  else if (group.folder) tell(`${group.name}: ${count(all, 'file is', 'files are')} with friends.`);
}
