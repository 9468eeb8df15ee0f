"use client";
import { ArrowDown, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { useDensity } from "@/lib/preferences";
import { Checkbox } from "./ui/checkbox";
import { Skeleton } from "./ui/skeleton";
import { Table, Td, Th, Tr } from "./ui/table";

export interface Column<T> {
  key: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** The server can sort by this key. */
  sortable?: boolean;
  /** Hidden where the screen is narrow. */
  wide?: boolean;
  className?: string;
}
/** Rows that can be picked: with shift, a range of them. */
export interface Picking<T> {
  isSelected: (id: string) => boolean;
  toggle: (id: string, range: boolean) => void;
  pageSelected: boolean;
  togglePage: () => void;
  label: (row: T) => string;
}
interface Props<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[] | undefined;
  rowKey: (row: T) => string;
  /** `name` or `-name`. */
  sort?: string;
  onSort?: (sort: string) => void;
  empty: ReactNode;
  /** Rows that arrived live glow once. */
  arrived?: ReadonlySet<string>;
  picking?: Picking<T> | undefined;
}

function Header<T>({ column, sort, onSort }: { column: Column<T>; sort: string | undefined; onSort: ((sort: string) => void) | undefined }) {
  const descending = sort === `-${column.key}`;
  const active = descending || sort === column.key;
  if (!column.sortable || !onSort) return column.header;
  const Arrow = descending ? ArrowDown : ArrowUp;
  return (
    <button type="button" className="inline-flex items-center gap-1 hover:text-ink" onClick={() => onSort(active && !descending ? `-${column.key}` : column.key)}>
      {column.header}
      <Arrow aria-hidden className={cn("size-3", active ? "" : "opacity-0")} />
    </button>
  );
}

/** Rows that the server has sorted, filtered and paged; this only shows them. */
export function DataTable<T>({ caption, columns, rows, rowKey, sort, onSort, empty, arrived, picking }: Props<T>) {
  const density = useDensity();
  const direction = (key: string) => (sort === key ? "ascending" : sort === `-${key}` ? "descending" : undefined);
  if (rows?.length === 0) return empty;
  return (
    <Table data-density={density}>
      <caption className="sr-only">{caption}</caption>
      <thead>
        <tr>
          {picking ? (
            <Th className="w-8 pr-0">
              <Checkbox aria-label="Select everybody on this page" checked={picking.pageSelected} onChange={picking.togglePage} className="block" />
            </Th>
          ) : null}
          {columns.map((c) => (
            <Th key={c.key} aria-sort={direction(c.key)} className={cn(c.wide && "max-md:hidden", c.className)}>
              <Header column={c} sort={sort} onSort={onSort} />
            </Th>
          ))}
        </tr>
      </thead>
      <tbody aria-busy={!rows}>
        {rows
          ? rows.map((row) => (
              <Tr key={rowKey(row)} data-row={rowKey(row)} className={cn(arrived?.has(rowKey(row)) && "arrived", picking?.isSelected(rowKey(row)) && "bg-primary/4")}>
                {picking ? (
                  <Td className="w-8 pr-0">
                    <Checkbox
                      aria-label={picking.label(row)}
                      checked={picking.isSelected(rowKey(row))}
                      onChange={() => undefined}
                      onClick={(event) => picking.toggle(rowKey(row), event.shiftKey)}
                      className="block"
                    />
                  </Td>
                ) : null}
                {columns.map((c) => (
                  <Td key={c.key} className={cn(c.wide && "max-md:hidden", c.className)}>
                    {c.cell(row)}
                  </Td>
                ))}
              </Tr>
            ))
          : Array.from({ length: 8 }, (_, i) => (
              <tr key={i}>
                {picking ? <Td className="w-8 pr-0" /> : null}
                {columns.map((c) => (
                  <Td key={c.key} className={cn(c.wide && "max-md:hidden", c.className)}>
                    <Skeleton className="h-5 w-24" />
                  </Td>
                ))}
              </tr>
            ))}
      </tbody>
    </Table>
  );
}
