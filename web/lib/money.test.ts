import { describe, expect, it } from "vitest";
import { amountOf, money, typed } from "./money";

describe("money", () => {
  it("is written as its currency is", () => {
    expect(money(2400, "eur")).toBe("€24.00");
    expect(money(2400, "jpy")).toBe("¥2,400");
    expect(typed(2405, "eur")).toBe("24.05");
    expect(typed(2400, "jpy")).toBe("2400");
  });
  it("is read as people type it, and nothing else", () => {
    for (const [text, currency, amount] of [
      ["24", "eur", 2400],
      ["24.5", "eur", 2450],
      [" 24,05 ", "eur", 2405],
      ["0.50", "eur", 50],
      ["2400", "jpy", 2400],
      ["24.5", "jpy", null],
      ["24.005", "eur", null],
      ["-1", "eur", null],
      ["1e3", "eur", null],
      ["", "eur", null],
      ["2.400,00", "eur", null],
    ] as const) {
      expect(amountOf(text, currency), text).toBe(amount);
    }
  });
  it("comes back as it went", () => {
    for (const amount of [50, 99, 100, 2405, 99_999_999]) expect(amountOf(typed(amount, "eur"), "eur")).toBe(amount);
  });
});
