import { expect, it } from "vitest";
import { safePath } from "./paths";

it("keeps a path on this site", () => {
  expect(safePath("/admin/users?status=active&search=a%20b#x")).toBe("/admin/users?status=active&search=a%20b#x");
});

it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "admin", "/\t/evil.example", "\\\\evil.example", null, undefined])("refuses %j", (value) => {
  expect(safePath(value, "/home")).toBe("/home");
});
