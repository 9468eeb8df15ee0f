import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "./paced";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("one question at a time, and one more for all that came meanwhile", async () => {
  const answers: (() => void)[] = [];
  const ask = vi.fn(() => new Promise<void>((resolve) => answers.push(resolve)));
  const refresh = paced(ask, 100);
  for (let n = 0; n < 50; n += 1) refresh();
  expect(ask).toHaveBeenCalledTimes(1);
  // However long a rush lasts, its questions are not put off.
  answers.shift()?.();
  await vi.advanceTimersByTimeAsync(100);
  expect(ask).toHaveBeenCalledTimes(2);
  answers.shift()?.();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ask).toHaveBeenCalledTimes(2);
  refresh();
  expect(ask).toHaveBeenCalledTimes(3);
});

test("a question that fails does not end the asking", async () => {
  const ask = vi.fn().mockRejectedValueOnce(new Error("away")).mockResolvedValue(undefined);
  const refresh = paced(ask, 100);
  refresh();
  refresh();
  await vi.advanceTimersByTimeAsync(100);
  expect(ask).toHaveBeenCalledTimes(2);
});
