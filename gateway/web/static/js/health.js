import { count } from './format.js';

// health joins what the node sums up of its files with who holds them: a file with
// k needed and p placed survives the loss of p - k places.
export function health(files, rows) {
  const holders = rows.filter((r) => r.holds_for_me.shares > 0);
  const proven = holders.map((r) => r.proven || 0);
  return { ...files, holders: holders.length, proven: proven.length ? Math.min(...proven) : 0 };
}

export function sentence(h) {
  if (h.files === 0) return 'No file of yours is with friends yet.';
  if (h.lost > 0) return `${count(h.lost, 'file')} of ${h.files} can't be read from what friends are known to hold.`;
  const kept = `${count(h.files, 'file')} ${h.files === 1 ? 'is' : 'are'} with ${count(h.holders, 'friend')}`;
  if (h.survives === 0) return `${kept}. If one of the friends goes, not every file can be read any more.`;
  return `${kept}. Any ${h.survives === 1 ? 'one share of a file' : `${h.survives} shares of a file`} may be lost, and every file stays readable.`;
}
