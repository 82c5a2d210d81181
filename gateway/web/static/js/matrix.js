import { size } from './format.js';

// The holder × owner matrix, from one's own books and from what friends publish.

const byName = new Intl.Collator(undefined, { numeric: true }).compare;

// matrixOf joins both: own figures are facts here, others are what was signed.
export function matrixOf(who, published) {
  const me = who.me.peer;
  const names = new Map([[me, `${who.me.name || 'you'} (you)`]]);
  for (const r of who.rows) names.set(r.peer, r.name || r.peer.slice(-8));
  const cells = {};
  const put = (holder, owner, cell) => { (cells[holder] ||= {})[owner] = cell; };
  const differ = [];
  for (const n of published?.nodes || []) if (!names.has(n.peer)) names.set(n.peer, n.name || n.peer.slice(-8));
  for (const c of published?.cells || []) {
    // Of two words the smaller one counts.
    const said = [c.held, c.counted].filter(Boolean).sort((a, b) => a.bytes - b.bytes)[0];
    if (!said) continue;
    const by = c.held && c.counted ? 'both' : c.held ? 'the holder alone' : 'the owner alone';
    const differs = c.differs ? `the holder says ${size(c.held?.bytes)}, the owner ${size(c.counted?.bytes)}` : '';
    put(c.holder, c.owner, { bytes: said.bytes, shares: said.shares, time: said.time, by, differs });
    if (differs) differ.push(`${names.get(c.holder)} for ${names.get(c.owner)}: ${differs}`);
  }
  for (const r of who.rows) {
    if (r.holds_for_me.shares > 0) put(r.peer, me, { bytes: r.holds_for_me.bytes, shares: r.holds_for_me.shares, time: who.as_of, by: 'your books', differs: cells[r.peer]?.[me]?.differs || '' });
    if (r.i_hold.shares > 0) put(me, r.peer, { bytes: r.i_hold.bytes, shares: r.i_hold.shares, time: who.as_of, by: 'your books', differs: cells[me]?.[r.peer]?.differs || '' });
  }
  const nodes = [...names].map(([peer, name]) => ({ peer, name, me: peer === me })).sort((a, b) => b.me - a.me || byName(a.name, b.name));
  return { as_of: who.as_of, nodes, cells, differ };
}

// A cell of a CSV that begins like a formula is quoted, so that no spreadsheet
// computes what a friend called itself.
function field(x) {
  let text = String(x);
  if (/^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\n\r']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(m) {
  const rows = [['holder', 'holder_peer', 'owner', 'owner_peer', 'bytes', 'shares', 'time', 'by', 'differs']];
  each(m, (h, o, c) => rows.push([h.name, h.peer, o.name, o.peer, c.bytes, c.shares, c.time, c.by, c.differs]));
  return rows.map((r) => r.map(field).join(',')).join('\r\n') + '\r\n';
}

export function dot(m) {
  const q = (s) => JSON.stringify(s);
  const lines = m.nodes.map((n) => `  ${q(n.peer)} [label=${q(n.name)}];`);
  each(m, (h, o, c) => lines.push(`  ${q(h.peer)} -> ${q(o.peer)} [label=${q(String(c.bytes))}];`));
  return `digraph potluck {\n${lines.join('\n')}\n}\n`;
}

function each(m, visit) {
  for (const h of m.nodes) {
    for (const o of m.nodes) {
      const c = m.cells[h.peer]?.[o.peer];
      if (c) visit(h, o, c);
    }
  }
}
