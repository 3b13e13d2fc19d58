// What has changed between two reports.

// All leaves by what stays the same from build to build: category, library and name without hashes.
function byIdentity(model) {
  const found = new Map();
  for (const leaf of model.leaves) {
    const name = withoutHash(leaf.name).replace(/-[0-9a-f]{16}\b/g, '');
    const library = model.libraryOf(leaf.file);
    const key = `${leaf.category}\n${library}\n${name}`;
    const entry = found.get(key);
    if (entry) {
      entry.size += leaf.size;
      if (entry.leaf.size < leaf.size) entry.leaf = leaf;
    } else found.set(key, { size: leaf.size, name, library, category: leaf.category, leaf });
  }
  return found;
}

function compare(older, newer) {
  const [before, after] = [byIdentity(older), byIdentity(newer)];
  const rows = [];
  for (const [key, now] of after) {
    const was = before.get(key)?.size ?? 0;
    if (was !== now.size) rows.push({ ...now, was, now: now.size, delta: now.size - was, status: was ? (now.size > was ? 'grown' : 'shrunk') : 'added' });
  }
  for (const [key, was] of before) {
    if (!after.has(key)) rows.push({ ...was, leaf: null, was: was.size, now: 0, delta: -was.size, status: 'gone' });
  }
  return rows.sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta));
}
