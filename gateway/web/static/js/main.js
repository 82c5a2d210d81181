import { render } from '/vendored/preact/preact-htm.js';
import { html, useState, useEffect, useRef, Messages, Trouble, changed } from './ui.js';
import { signIn, signedIn, events, get } from './api.js';
import { working } from './work.js';
import { Home } from './screens/home.js';
import { Friends, FriendPage } from './screens/friends.js';
import { Web } from './screens/web.js';
import { Intent } from './screens/intent.js';
import { Credit } from './screens/credit.js';
import { Standing } from './screens/standing.js';
import { Files } from './screens/files.js';
import { History } from './screens/history.js';
import { Log } from './screens/log.js';
import { Invite } from './screens/invite.js';
import { Settings } from './screens/settings.js';

const screens = [
  ['', 'Home', Home],
  ['files', 'Files', Files],
  ['friends', 'Friends', Friends],
  ['web', 'Who holds for whom', Web],
  ['intent', 'Intent', Intent],
  ['credit', 'Credit', Credit],
  ['standing', 'Standing', Standing],
  ['invite', 'Invite', Invite],
  ['history', 'History', History],
  ['log', 'Log', Log],
  ['settings', 'Settings', Settings],
];

function route() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return { name, rest };
}

// follow tells all screens when something happens in the books, as long as the
// page is open; when the node goes it asks for it again, more and more seldom.
async function follow(signal) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 30000)) {
    try {
      working(await get('/v1/work', signal));
      for await (const e of events(signal)) {
        wait = 1000;
        if (e.type === 'work') working(e.data); else changed();
      }
    } catch (e) {
      working([]);
      if (e.kind === 'no-token' || signal.aborted) return;
    }
    await new Promise((go) => setTimeout(go, wait));
  }
}

function App() {
  const [here, go] = useState(route());
  const [inside, setInside] = useState(signedIn());
  const main = useRef(null);
  useEffect(() => {
    const moved = () => go(route());
    const out = () => setInside(false);
    addEventListener('hashchange', moved);
    addEventListener('signed-out', out);
    return () => { removeEventListener('hashchange', moved); removeEventListener('signed-out', out); };
  }, []);
  useEffect(() => {
    if (!inside) return undefined;
    const stop = new AbortController();
    follow(stop.signal);
    return () => stop.abort();
  }, [inside]);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) { first.current = false; return; }
    main.current?.querySelector('h1')?.focus(); // readers hear where they are
    scrollTo(0, 0);
  }, [here.name, here.rest[0]]);
  if (!inside) return html`<${Outside} />`;
  const found = screens.find(([name]) => name === here.name);
  const Screen = here.name === 'friends' && here.rest[0] ? FriendPage : found ? found[2] : Nowhere;
  return html`<a class="skip" href="#content" onClick=${(e) => { e.preventDefault(); main.current.querySelector('h1')?.focus(); }}>Skip to the content</a>
    <div class="frame">
      <nav class="side" aria-label="Screens">
        <a class="brand" href="#/"><img src="/icon.svg" alt="" width="32" height="32" />Potluck</a>
        <ul>${screens.map(([name, title]) => html`<li><a href="#/${name}" aria-current=${name === here.name ? 'page' : undefined}>${title}</a></li>`)}</ul>
      </nav>
      <main id="content" ref=${main} key=${here.name + '/' + (here.rest[0] || '')}><${Screen} rest=${here.rest} /></main>
    </div><${Messages} />`;
}

function Nowhere() {
  return html`<h1 tabindex="-1">There is no such page</h1><p><a href="#/">Go home</a></p>`;
}

function Outside() {
  return html`<main><h1 tabindex="-1">Potluck</h1>${trouble && html`<${Trouble} error=${trouble} />`}
    <p class="lead">This page shows your node to you alone, so it needs a link from it.</p>
    <p>Say <code>potluck page</code> in a terminal on the machine where your node runs, and open the link that it prints. A link works once, for 15 minutes.</p></main>`;
}

let trouble = null;
try {
  await signIn();
} catch (e) {
  trouble = e;
}
const app = document.getElementById('app');
app.textContent = '';
render(html`<${App} />`, app);
