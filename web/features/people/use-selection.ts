"use client";
import { useCallback, useState } from "react";

/** Who is selected: some picked by hand, or everybody who matches but a few. */
export interface Selection {
  matching: boolean;
  ids: ReadonlySet<string>;
}
const NONE: Selection = { matching: false, ids: new Set() };

/** Rows are picked one by one, by a range with shift, by page, or all who match the filter at once. */
export function useSelection(filter: string, rows: readonly { id: string }[] | undefined) {
  const [state, setState] = useState<{ filter: string; selection: Selection; last: string | null }>({ filter, selection: NONE, last: null });
  // Another filter means other people: nothing stays selected that is no longer seen.
  const selection = state.filter === filter ? state.selection : NONE;
  const isSelected = (id: string) => selection.matching !== selection.ids.has(id);

  const set = useCallback((next: Selection, last: string | null = null) => setState({ filter, selection: next, last }), [filter]);
  const toggle = (id: string, range: boolean) => {
    const ids = new Set(selection.ids);
    const on = !isSelected(id);
    const order = rows?.map((row) => row.id) ?? [];
    const from = state.last && range ? order.indexOf(state.last) : -1;
    const to = order.indexOf(id);
    const touched = from < 0 ? [id] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const one of touched) {
      if (on === selection.matching) ids.delete(one);
      else ids.add(one);
    }
    set({ matching: selection.matching, ids }, id);
  };
  const page = rows?.map((row) => row.id) ?? [];
  const pageSelected = page.length > 0 && page.every(isSelected);
  const togglePage = () => {
    if (selection.matching || pageSelected) set(NONE);
    else set({ matching: false, ids: new Set([...selection.ids, ...page]) });
  };
  return { selection, isSelected, toggle, togglePage, pageSelected, clear: () => set(NONE), all: () => set({ matching: true, ids: new Set() }) };
}
