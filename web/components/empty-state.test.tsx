import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { EmptyState } from "./empty-state";

afterEach(cleanup);

it("is a plain heading with the next action: the layout primitives were compiled away", () => {
  const { container } = render(
    <EmptyState title="Nothing yet" action={<button type="button">Begin</button>}>
      It appears here by itself.
    </EmptyState>,
  );
  expect(screen.getByRole("heading", { level: 2 }).textContent).toBe("Nothing yet");
  expect(screen.getByRole("button", { name: "Begin" })).toBeTruthy();
  expect(container.querySelector("[style]")).toBeNull();
});
