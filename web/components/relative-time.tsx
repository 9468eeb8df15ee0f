"use client";
import { useEffect, useState } from "react";
import { absolute, relative } from "@/lib/time";

/** "5 minutes ago", with the day and the time on hover; it keeps itself true. */
export function RelativeTime({ at, className }: { at: string; className?: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={`${absolute(at)} UTC`} className={className} suppressHydrationWarning>
      {relative(at, now)}
    </time>
  );
}
