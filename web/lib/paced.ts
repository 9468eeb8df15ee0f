/** How long after an answer the next question may be asked. */
const PAUSE = 200;

/**
 * A task that is done at once when it is asked for, never twice at the same time, and in a rush a few times a second. What is asked
 * for while it runs is done once more afterwards: the last answer is always younger than the last question.
 */
export function paced(task: () => Promise<unknown>, pause = PAUSE): () => void {
  let state: "idle" | "busy" | "asked" = "idle";
  async function run(): Promise<void> {
    state = "busy";
    await task().catch(() => undefined);
    setTimeout(rest, pause);
  }
  function rest(): void {
    const asked = state === "asked";
    state = "idle";
    if (asked) void run();
  }
  return () => {
    if (state === "idle") void run();
    else state = "asked";
  };
}
