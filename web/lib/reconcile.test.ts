import { expect, it } from "vitest";
import { reconcile } from "./reconcile";

const row = (id: string, n = 0) => ({ id, n });

it("shows everything where nothing was shown", () => {
  expect(reconcile([], [row("a")])).toEqual({ items: [row("a")], waiting: [] });
});
it("lets newer rows wait and changes the known ones in place", () => {
  expect(reconcile([row("b"), row("c")], [row("a"), row("b", 1), row("c")])).toEqual({ items: [row("b", 1), row("c")], waiting: [row("a")] });
});
it("does not call a row new that only moved up from the next page", () => {
  expect(reconcile([row("a"), row("b")], [row("a"), row("c")])).toEqual({ items: [row("a"), row("b")], waiting: [] });
});
it("lets a whole page wait when none of it was known", () => {
  expect(reconcile([row("z")], [row("a"), row("b")]).waiting).toHaveLength(2);
});
