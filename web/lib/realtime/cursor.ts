/**
 * Where an answer stands in the change stream. The server says it in a header; it travels in the answer itself, so that a list
 * which the server rendered still knows it in the browser, and the channel that keeps the list true goes on from there.
 */
const PLACE = "~since";

export const CURSOR_HEADER = "x-realtime-cursor";

/** Writes an answer's place into it; what is no object has none. */
export function placed<T>(data: T, cursor: string | null): T {
  if (cursor && typeof data === "object" && data !== null && !Array.isArray(data)) Object.assign(data, { [PLACE]: cursor });
  return data;
}

/** The place of the oldest of these answers: what it does not know yet, none of them is told too late. */
export function sinceOf(...answers: unknown[]): string | undefined {
  const places = answers.map((answer) => {
    const place: unknown = typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>)[PLACE] : undefined;
    return typeof place === "string" ? place : null;
  });
  // One of them is not known: then everything is read again.
  if (!places.length || places.includes(null)) return undefined;
  return (places as string[]).reduce((one, other) => (isBefore(other, one) ? other : one));
}

/**
 * Whether a cursor (`epoch:place[:xmin:xmax:running,…]`, the place in hexadecimal) knows less than another. At one place, the query
 * that was asked earlier knew less. Cursors of two epochs cannot be compared: the server will say that one of them is too old.
 */
function isBefore(one: string, other: string): boolean {
  const [a, b] = [parts(one), parts(other)];
  if (a.place !== b.place) return a.place < b.place;
  if (a.xmax !== b.xmax) return a.xmax < b.xmax;
  if (a.xmin !== b.xmin) return a.xmin < b.xmin;
  return a.running > b.running;
}

function parts(cursor: string) {
  const [, place = "", xmin = "", xmax = "", running = ""] = cursor.split(":");
  return { place: number(`0x${place}`), xmin: number(xmin), xmax: number(xmax), running: running ? running.split(",").length : 0 };
}

function number(text: string): bigint {
  try {
    return BigInt(text || 0);
  } catch {
    return 0n;
  }
}
