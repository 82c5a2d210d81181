// The node's local API (docs/spec/api.md). The token lies in this browser's
// storage for this address; links work once.

const storage = 'potluck-token';

export class ApiError extends Error {
  constructor(status, body) {
    const e = (body && body.error) || {};
    super(e.message || `the node answered ${status}`);
    this.kind = e.kind || 'internal';
    this.refusal = e.refusal;
    this.details = e.details;
  }
}

export function signedIn() {
  return localStorage.getItem(storage) !== null;
}

export function signOut() {
  localStorage.removeItem(storage);
}

// signIn changes the code of a link for a token, and takes it out of the
// address and the history.
export async function signIn() {
  const m = /^#code=([\w-]+)$/.exec(location.hash);
  if (!m) return;
  history.replaceState(null, '', '/#/');
  const answer = await fetch('/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: m[1] }) });
  const body = await answer.json();
  if (!answer.ok) throw new ApiError(answer.status, body);
  localStorage.setItem(storage, body.token);
}

async function ask(method, path, body, signal) {
  const headers = { Authorization: 'Bearer ' + localStorage.getItem(storage) };
  let payload = body;
  if (body !== undefined && !(body instanceof Blob)) {
    headers['Content-Type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: payload, signal, cache: 'no-store' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    const gone = new ApiError(0, { error: { kind: 'gone', message: 'your node doesn\'t answer; is it running? Start it with "potluck up".' } });
    throw gone;
  }
  if (answer.ok) return answer;
  let text = null;
  try { text = await answer.json(); } catch { /* what came is no object: the status says it */ }
  const e = new ApiError(answer.status, text);
  if (e.kind === 'no-token') {
    signOut();
    dispatchEvent(new Event('signed-out'));
  }
  throw e;
}

export async function call(method, path, body, signal) {
  return (await ask(method, path, body, signal)).json();
}

export const get = (path, signal) => call('GET', path, undefined, signal);
export const post = (path, body = {}) => call('POST', path, body);

export const at = (peer, what = '') => `/v1/friends/${encodeURIComponent(peer)}${what}`;

async function* chunks(answer, separator) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split(separator);
    rest = parts.pop();
    yield* parts;
  }
}

// stream follows a call that answers line by line, and gives its result.
export async function stream(method, path, body, progress, signal) {
  const answer = await ask(method, path, body, signal);
  for await (const line of chunks(answer, '\n')) {
    const m = JSON.parse(line);
    if (m.progress) progress(m.progress);
    if (m.error) throw new ApiError(200, m);
    if (m.result) return m.result;
  }
  throw new ApiError(0, { error: { message: 'the node\'s answer was cut off: nothing is known of how it ended' } });
}

// events gives what happens in the books from now on, and what the node works on.
export async function* events(signal) {
  const answer = await ask('GET', '/v1/events', undefined, signal);
  for await (const block of chunks(answer, '\n\n')) {
    const lines = block.split('\n');
    const data = lines.find((l) => l.startsWith('data: '));
    if (data) yield { type: lines.find((l) => l.startsWith('event: '))?.slice(7) || 'event', data: JSON.parse(data.slice(6)) };
  }
}

// log reads the newest part of the log.
export async function log(newest) {
  const answer = await ask('GET', `/v1/log?newest=${newest}`);
  const all = [];
  for await (const line of chunks(answer, '\n')) {
    const m = JSON.parse(line);
    if (m.error) throw new ApiError(200, m);
    if (m.event) all.push(m.event);
    if (m.result) return all;
  }
  throw new ApiError(0, { error: { message: 'the log was cut off' } });
}

// save has the browser save a file of a cap.
export async function save(cap, name) {
  const ticket = await post('/v1/fetches', { cap, name });
  const a = document.createElement('a');
  a.href = ticket.url;
  a.download = name || 'potluck-file';
  document.body.append(a);
  a.click();
  a.remove();
}
