import { expect, it } from "vitest";
import { landingOf, safePath } from "./paths";

it("keeps a path on this site", () => {
  expect(safePath("/admin/users?status=active&search=a%20b#x")).toBe("/admin/users?status=active&search=a%20b#x");
});

it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "admin", "/\t/evil.example", "\\\\evil.example", null, undefined])("refuses %j", (value) => {
  expect(safePath(value, "/home")).toBe("/home");
});

it("leads on to where somebody was going, unless their account was to be deleted", () => {
  expect(landingOf({ landing: "/home", kept: false }, "/updates?unread=yes")).toBe("/updates?unread=yes");
  expect(landingOf({ landing: "/admin", kept: false }, "//evil.example")).toBe("/admin");
  expect(landingOf({ landing: "/home", kept: true }, "/updates")).toBe("/your-data?kept=yes");
});
