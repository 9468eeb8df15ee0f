"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A link that knows where it is: the current page, or the section it heads. */
export function NavLink({ href, exact = false, children, className, onClick }: { href: string; exact?: boolean; children: ReactNode; className?: string; onClick?: () => void }) {
  const path = usePathname();
  const current = path === href || (!exact && path.startsWith(`${href}/`));
  return (
    <Link
      href={href}
      {...(onClick ? { onClick } : {})}
      aria-current={current ? "page" : undefined}
      className={cn(
        "inline-flex items-center gap-2.5 rounded-control px-2.5 py-1.5 text-14 text-muted transition-colors duration-150 hover:bg-raised hover:text-ink [&_svg]:size-4",
        current && "bg-raised font-medium text-ink [&_svg]:text-primary",
        className,
      )}
    >
      {children}
    </Link>
  );
}
