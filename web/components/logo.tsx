import { cn } from "@/lib/cn";

/** The arch in a square, with the terracotta threshold. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={cn("size-7 shrink-0", className)}>
      <rect width="32" height="32" rx="7" className="fill-primary" />
      <path d="M9 25V15a7 7 0 0 1 14 0v10" fill="none" strokeWidth="2.5" strokeLinecap="round" className="stroke-on-primary" />
      <path d="M13 25v-9.5a3 3 0 0 1 6 0V25z" className="fill-on-primary" />
      <path d="M7 25.5h18" strokeWidth="2" strokeLinecap="round" className="stroke-on-primary" />
    </svg>
  );
}

export function Logo({ name = "Portico", className }: { name?: string; className?: string }) {
  return (
    <span className={cn("inline-flex items-center gap-2.5", className)}>
      <Mark />
      <span className="text-16 font-semibold tracking-tight">{name}</span>
    </span>
  );
}
