import { cn } from "@/lib/cn";

export function Progress({ value, max, label, className }: { value: number; max: number; label: string; className?: string }) {
  return <progress data-slot="progress" aria-label={label} value={value} max={Math.max(max, 1)} className={cn("bar w-full", className)} />;
}
