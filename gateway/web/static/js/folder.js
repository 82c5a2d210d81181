// What people choose or drop: files, and whole folders with the paths of what is
// in them.

// chosen gives the files of an input; those of a folder are called folder/path.
export function chosen(list) {
  return [...list].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

// dropped walks through what was dropped. It must be called while the drop is
// handled: the browser takes the list back afterwards.
export function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return Promise.resolve(chosen(transfer.files));
  return Promise.all(entries.map(walk)).then((all) => all.flat());
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((good, bad) => entry.file(good, bad));
    return [{ file, name: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = entry.createReader();
  const all = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((good, bad) => reader.readEntries(good, bad));
    if (some.length === 0) return all;
    for (const e of some) all.push(...await walk(e));
  }
}

// groups puts together what is of one folder; a file alone is a group of its own.
export function groups(files) {
  const by = new Map();
  for (const f of files) {
    const at = f.name.indexOf('/');
    const key = at < 0 ? f : f.name.slice(0, at);
    if (!by.has(key)) by.set(key, []);
    by.get(key).push(f);
  }
  return [...by].map(([key, list]) => ({ name: typeof key === 'string' ? key : key.name, folder: typeof key === 'string', files: list }));
}
