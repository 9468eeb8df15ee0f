/**
 * Merges a newly read first page into the list being looked at: rows that are shown take their new values in place, and rows
 * newer than all of those wait. Where nothing is shown yet there is nothing to push, so nothing waits.
 */
export function reconcile<T extends { id: string }>(shown: readonly T[], next: readonly T[]): { items: T[]; waiting: T[] } {
  if (!shown.length) return { items: [...next], waiting: [] };
  const known = new Set(shown.map((row) => row.id));
  const first = next.findIndex((row) => known.has(row.id));
  const waiting = first === -1 ? [...next] : next.slice(0, first);
  const fresh = new Map(next.map((row) => [row.id, row]));
  return { items: shown.map((row) => fresh.get(row.id) ?? row), waiting };
}
