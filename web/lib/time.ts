const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "just now", "5 minutes ago", "yesterday". A clock that runs a little ahead still says "just now". */
export function relative(at: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  return "just now";
}

/** Day and time in a stated zone, so that server and browser write the same. */
export function absolute(at: string, timeZone = "UTC"): string {
  const format: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "short" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...format, timeZone }).format(new Date(at));
  } catch {
    return new Intl.DateTimeFormat("en-GB", { ...format, timeZone: "UTC" }).format(new Date(at));
  }
}

/** How long something took: "less than a minute", "12 minutes". */
export function lasting(from: string, until: string): string {
  const minutes = Math.round((new Date(until).getTime() - new Date(from).getTime()) / 60_000);
  if (minutes < 1) return "less than a minute";
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

export function greeting(hour: number): string {
  if (hour >= 5 && hour < 12) return "Good morning";
  return hour >= 12 && hour < 18 ? "Good afternoon" : "Good evening";
}
