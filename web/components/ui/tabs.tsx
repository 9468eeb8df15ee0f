import Link from "next/link";
import { cn } from "@/lib/cn";

/** Views of the same thing, each with an address of its own, so that back, reload and a copied link keep the view. */
export function Tabs({ label, current, items }: { label: string; current: string; items: readonly { href: string; key: string; label: string; count?: number }[] }) {
  return (
    <nav data-slot="tabs" aria-label={label} className="flex gap-5 border-b border-border">
      {items.map((item) => (
        <Link
          key={item.key}
          href={item.href}
          scroll={false}
          aria-current={item.key === current ? "page" : undefined}
          className={cn(
            "-mb-px border-b-2 py-2 text-14",
            item.key === current ? "border-primary font-medium text-ink" : "border-transparent text-muted hover:text-ink",
          )}
        >
          {item.label}
          {item.count === undefined ? null : <span className="ml-1.5 text-13 text-muted tabular-nums">{item.count}</span>}
        </Link>
      ))}
    </nav>
  );
}
