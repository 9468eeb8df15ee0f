import { afterEach, expect, test, vi } from "vitest";
import { asks, confirmation, question } from "./confirm";

const refused = () => new Response(JSON.stringify({ code: "confirmation_required" }), { status: 403 });
const request = () => new Request("https://portico.example/api/v1/me/totp", { method: "DELETE" });

async function through(id: string): Promise<Response | undefined> {
  const base = { schemaPath: "", params: {}, id, options: {} as never };
  await confirmation.onRequest?.({ ...base, request: request() });
  return (await confirmation.onResponse?.({ ...base, request: request(), response: refused() })) as Response | undefined;
}
afterEach(() => vi.unstubAllGlobals());

test("what was refused is sent again after the question was answered", async () => {
  const leave = asks();
  const again = vi.fn(() => Promise.resolve(new Response(null, { status: 204 })));
  vi.stubGlobal("fetch", again);
  const both = Promise.all([through("a"), through("b")]);
  await vi.waitFor(() => expect(question.get()).not.toBeNull());
  question.get()?.answer(true);
  expect((await both).map((answer) => answer?.status)).toEqual([204, 204]);
  expect(again).toHaveBeenCalledTimes(2);
  expect(question.get()).toBeNull();
  leave();
});

test("whoever does not confirm sees the refusal, and so does a page that cannot ask", async () => {
  expect(await through("c")).toBeUndefined();
  const leave = asks();
  const waiting = through("d");
  await vi.waitFor(() => expect(question.get()).not.toBeNull());
  question.get()?.answer(false);
  expect(await waiting).toBeUndefined();
  leave();
});
