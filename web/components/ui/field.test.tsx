import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { TextField } from "./field";

afterEach(cleanup);

it("names its control and gives the hint as its description", () => {
  render(<TextField label="E-mail" name="email" hint="Where we write to" />);
  const input = screen.getByLabelText("E-mail");
  expect(input.getAttribute("aria-invalid")).toBeNull();
  expect(document.getElementById(input.getAttribute("aria-describedby") ?? "")?.textContent).toBe("Where we write to");
});

it("says an error at the control, in place of the hint", () => {
  render(<TextField label="E-mail" name="email" hint="Where we write to" error="In use." />);
  const input = screen.getByLabelText("E-mail");
  expect(input.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(input.getAttribute("aria-describedby") ?? "")?.textContent).toBe("In use.");
});
