import { expect, test } from "vitest";
import { placed, sinceOf } from "./cursor";

const at = (cursor: string) => placed({}, cursor);

test("an answer knows where it stands, on its way through JSON too", () => {
  const answer = placed({ items: [] }, "1f:16B3748:730:734:730");
  expect(sinceOf(JSON.parse(JSON.stringify(answer)))).toBe("1f:16B3748:730:734:730");
  expect(sinceOf(placed({ items: [] }, null))).toBeUndefined();
  expect(placed([1], "1f:1")).toEqual([1]);
  expect(sinceOf(undefined)).toBeUndefined();
  expect(sinceOf()).toBeUndefined();
});

test("several answers stand where the oldest of them does, and nowhere if one does not know", () => {
  expect(sinceOf(at("1f:FF"), at("1f:16B3748"))).toBe("1f:FF");
  expect(sinceOf(at("1f:16B3748:730:734:"), at("1f:16B3748:730:733:"))).toBe("1f:16B3748:730:733:");
  expect(sinceOf(at("1f:A:9:9:"), at("1f:A:8:9:8"))).toBe("1f:A:8:9:8");
  expect(sinceOf(at("1f:A:8:12:8"), at("1f:A:8:12:8,10"))).toBe("1f:A:8:12:8,10");
  expect(sinceOf(at("1f:FF"), {})).toBeUndefined();
});
