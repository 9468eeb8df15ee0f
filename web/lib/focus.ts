/** For a `ref`: puts the keyboard into a field that has just come in answer to what somebody did. */
export function focused(element: HTMLElement | null): void {
  element?.focus();
}
