// How figures and times are shown. Sizes read as they do on the command line.

const units = [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 1024]];

// From this on an amount is "any": nobody has so much.
const plenty = 2 ** 55;

export function size(bytes) {
  if (bytes == null) return '–';
  if (bytes < 0) return '-' + size(-bytes);
  if (bytes >= plenty) return 'any amount';
  for (const [name, unit] of units) {
    if (bytes >= unit) return (bytes / unit).toFixed(1).replace(/\.0$/, '') + ' ' + name;
  }
  return bytes + ' B';
}

// parseSize reads what people type: "500", "64K", "1.5 GiB", "10GB"; NaN if it is none.
export function parseSize(text) {
  const m = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)(b?)\s*$/i.exec(text);
  if (!m) return NaN;
  const power = ' kmgtp'.indexOf(m[2].toLowerCase() || ' ');
  const base = m[2] && m[4] && !m[3] ? 1000 : 1024;
  return Math.round(Number(m[1]) * base ** power);
}

export function count(n, one, many = one + 's') {
  return n === 1 ? `1 ${one}` : `${n} ${many}`;
}

export function date(t) {
  if (!t) return 'never';
  return new Date(t * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

export function day(t) {
  return t ? new Date(t * 1000).toLocaleDateString([], { dateStyle: 'medium' }) : 'never';
}

export function ago(t, now = Date.now() / 1000) {
  if (!t) return 'never';
  const s = now - t;
  if (s < 0) return date(t);
  if (s < 60) return 'just now';
  for (const [name, unit] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (s >= unit) return count(Math.floor(s / unit), name) + ' ago';
  }
}

export function percent(ppm) {
  return (ppm / 10000).toFixed(2).replace(/\.?0+$/, '') + ' %';
}
