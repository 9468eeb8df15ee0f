import { CURSOR_HEADER, placed } from "@/lib/realtime/cursor";
import type { components } from "./schema";

export type Problem = components["schemas"]["Problem"];

/** A refusal by the server (RFC 9457), or our word for a server that cannot be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Readonly<Record<string, string>> = {},
    readonly requestId: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export function fromProblem(status: number, problem: Partial<Problem> | undefined, requestId: string | null = null): ApiError {
  const fields = Object.fromEntries((problem?.errors ?? []).map((e) => [e.field, e.message]));
  const message = problem?.detail ?? problem?.title ?? "The server did not say what went wrong. Nothing was changed that it did not confirm.";
  return new ApiError(status, problem?.code ?? "unknown", message, fields, requestId);
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, which knows where it stands in the change stream, or an `ApiError`. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    const error = new ApiError(0, "unreachable", "Portico cannot be reached right now. Nothing was lost; try again in a moment.");
    error.cause = cause;
    throw error;
  }
  if (!answer.response.ok) {
    const problem = typeof answer.error === "object" ? (answer.error as Partial<Problem>) : undefined;
    throw fromProblem(answer.response.status, problem, answer.response.headers.get("x-request-id"));
  }
  return placed(answer.data as T, answer.response.headers.get(CURSOR_HEADER));
}
