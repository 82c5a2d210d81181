import { h, Component } from '/vendored/preact/preact-htm.js';
import { html, useState, useEffect, useRef } from './ui.js';
import { size, ago } from './format.js';

// The matrix as a grid of which only what is in sight is drawn: 150 by 150 cells
// scroll as well as ten. Rows and columns have one size each, so that where a cell
// is follows from its number.

const high = 32; // px of a row
const wide = 92; // px of a column
const head = 150; // px of the column of holders
const step = 4; // rows and columns by which what is drawn moves
const beyond = 4; // drawn on each side of what is in sight

// part gives which of count things of a size are drawn, and how many stand before
// and after them.
export function part(at, room, each, count) {
  const from = Math.max(0, Math.floor(at / each / step) * step - beyond);
  const to = Math.min(count, Math.ceil((at + room) / each / step) * step + beyond);
  return { from: Math.min(from, count), to };
}

const same = (a, b) => a.from === b.from && a.to === b.to;

const said = (m, holder, owner) => {
  const c = m.cells[holder.peer]?.[owner.peer];
  if (!c) return `${holder.name} holds nothing for ${owner.name} that anybody says`;
  return `${holder.name} holds ${c.bytes.toLocaleString('en')} bytes for ${owner.name}, said ${ago(c.time)} by ${c.by}${c.differs ? '; ' + c.differs : ''}`;
};

// Row is drawn again when its cells are others, not when others scroll in. It is
// made without templates: there are hundreds of cells.
class Row extends Component {
  shouldComponentUpdate(next) {
    const now = this.props;
    return now.m !== next.m || !same(now.columns, next.columns) || now.at !== next.at || now.top !== next.top || now.active !== next.active;
  }

  render({ m, at, columns, active, top }) {
    const holder = m.nodes[at];
    const cells = [];
    for (let i = columns.from; i < columns.to; i++) {
      const owner = m.nodes[i];
      const c = m.cells[holder.peer]?.[owner.peer];
      cells.push(h('div', {
        key: owner.peer, role: 'gridcell', id: `cell-${at}-${i}`, 'aria-colindex': i + 2, class: 'cell num' + (c?.differs ? ' differs' : '') + (active === i ? ' active' : ''),
        style: { left: head + i * wide + 'px' }, title: c ? said(m, holder, owner) : undefined,
      }, holder === owner ? '' : c ? size(c.bytes) : '·'));
    }
    return h('div', { role: 'row', class: 'line', 'aria-rowindex': at + 2, style: { top: top + 'px' } },
      h('div', { role: 'rowheader', class: 'cell holder', 'aria-colindex': 1, title: holder.name }, holder.name), cells);
  }
}

class Heads extends Component {
  shouldComponentUpdate(next) { return this.props.m !== next.m || !same(this.props.columns, next.columns); }

  render({ m, columns }) {
    const cells = [];
    for (let i = columns.from; i < columns.to; i++) {
      const n = m.nodes[i];
      cells.push(h('div', { key: n.peer, role: 'columnheader', 'aria-colindex': i + 2, class: 'cell num', style: { left: head + i * wide + 'px' }, title: n.name }, n.name));
    }
    return h('div', { role: 'row', class: 'line heads', 'aria-rowindex': 1 }, h('div', { role: 'columnheader', class: 'cell holder', 'aria-colindex': 1 }, 'holds ↓ for →'), cells);
  }
}

const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -1e9], End: [0, 1e9] };

// Grid shows a matrix. Arrows go from cell to cell; what the cell says stands below.
export function Grid({ m }) {
  const ref = useRef(null);
  const count = m.nodes.length;
  const [rows, setRows] = useState({ from: 0, to: Math.min(count, 24) });
  const [columns, setColumns] = useState({ from: 0, to: Math.min(count, 16) });
  const [active, go] = useState([0, Math.min(1, count - 1)]);
  const [inside, setInside] = useState(false);
  const look = () => {
    const box = ref.current;
    if (!box) return;
    const r = part(box.scrollTop, box.clientHeight, high, count);
    const c = part(box.scrollLeft, box.clientWidth, wide, count);
    setRows((old) => (same(old, r) ? old : r));
    setColumns((old) => (same(old, c) ? old : c));
  };
  useEffect(() => {
    look();
    const sized = new ResizeObserver(look);
    sized.observe(ref.current);
    return () => sized.disconnect();
  }, [count]);
  const key = (e) => {
    const move = moves[e.key];
    if (!move) return;
    e.preventDefault();
    const within = (n) => Math.max(0, Math.min(count - 1, n));
    const to = e.ctrlKey && e.key === 'Home' ? [0, 0] : e.ctrlKey && e.key === 'End' ? [count - 1, count - 1] : [within(active[0] + move[0]), within(active[1] + move[1])];
    go(to);
    show(ref.current, to);
  };
  const lines = [];
  for (let i = rows.from; i < rows.to; i++) lines.push(h(Row, { key: m.nodes[i].peer, m, at: i, top: (i + 1) * high, columns, active: inside && active[0] === i ? active[1] : -1 }));
  const [r, c] = [Math.min(active[0], count - 1), Math.min(active[1], count - 1)];
  const drawn = r >= rows.from && r < rows.to && c >= columns.from && c < columns.to;
  return html`<div class="matrix" ref=${ref} onScroll=${look} onKeyDown=${key} onFocus=${() => setInside(true)} onBlur=${() => setInside(false)} tabindex="0" role="grid" aria-readonly="true"
      aria-label="Who holds for whom: each row is a holder, each column an owner" aria-rowcount=${count + 1} aria-colcount=${count + 1} aria-activedescendant=${inside && drawn ? `cell-${r}-${c}` : undefined}
      onClick=${(e) => { const at = e.target.id?.match(/^cell-(\d+)-(\d+)$/); if (at) go([+at[1], +at[2]]); }}>
    <div class="whole" role="rowgroup" style=${{ width: head + count * wide + 'px', height: (count + 1) * high + 'px' }}>${h(Heads, { m, columns })}${lines}</div></div>
    <p class="small soft" role="status" aria-live="polite">${inside ? said(m, m.nodes[r], m.nodes[c]) : 'Arrow keys go from cell to cell, once the table has the focus.'}</p>`;
}

// show scrolls as little as brings a cell into sight.
function show(box, [row, column]) {
  const top = row * high; const left = column * wide; // below the heads and beside the holders, which stay
  const roomHigh = box.clientHeight - 2 * high; const roomWide = box.clientWidth - head - wide;
  box.scrollTop = Math.min(top, Math.max(box.scrollTop, top - roomHigh));
  box.scrollLeft = Math.min(left, Math.max(box.scrollLeft, left - roomWide));
}
