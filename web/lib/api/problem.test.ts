import { expect, it } from "vitest";
import { ApiError, unwrap } from "./problem";

const answer = (status: number, rest: { data?: unknown; error?: unknown } = {}) => Promise.resolve({ ...rest, response: new Response(null, { status, headers: { "x-request-id": "r1" } }) });

it("gives the body of a success, an empty one included", async () => {
  await expect(unwrap(answer(200, { data: { a: 1 } }))).resolves.toEqual({ a: 1 });
  await expect(unwrap(answer(204))).resolves.toBeUndefined();
});

it("keeps the code, the words and the fields of a problem", async () => {
  const problem = { type: "about:blank", title: "Invalid", status: 422, code: "invalid", detail: "Look again.", errors: [{ field: "email", code: "taken", message: "In use." }] };
  const error: unknown = await unwrap(answer(422, { error: problem })).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, code: "invalid", message: "Look again.", fields: { email: "In use." }, requestId: "r1" });
});

it("has words of its own for an answer that is no problem document, and for no answer", async () => {
  await expect(unwrap(answer(502, { error: "<html>" }))).rejects.toMatchObject({ status: 502, code: "unknown" });
  await expect(unwrap(Promise.reject(new TypeError("fetch failed")))).rejects.toMatchObject({ status: 0, code: "unreachable" });
});
