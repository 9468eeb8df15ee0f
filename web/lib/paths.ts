const HERE = "https://portico.invalid";

/** A path on this site, or the fallback: whatever could lead elsewhere (`//host`, `/\host`, `javascript:`) is refused. */
export function safePath(value: string | null | undefined, fallback = "/"): string {
  if (!value?.startsWith("/")) return fallback;
  try {
    const url = new URL(value, HERE);
    return url.origin === HERE ? url.pathname + url.search + url.hash : fallback;
  } catch {
    return fallback;
  }
}

/** Where somebody who has just signed in goes on. Whoever had deleted their account is told first that it stays. */
export function landingOf({ landing, kept }: { landing: string; kept?: boolean }, next: string | null): string {
  return kept ? "/your-data?kept=yes" : safePath(next, safePath(landing, "/home"));
}
