// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, test } from "vitest";
import { pageOptions, type PageOf } from "./pages";
import { useLivePages } from "./use-live-pages";

interface Row {
  id: string;
  read: boolean;
}
type Page = PageOf<Row>;

/** A list whose answers come when the test lets them. */
function list() {
  const asked: ((page: Page) => void)[] = [];
  const options = pageOptions<Page>(["rows"], () => new Promise((resolve) => asked.push(resolve)));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result } = renderHook(() => useLivePages<Row, Page>(options), { wrapper });
  const answer = async (page: Page) => {
    await waitFor(() => expect(asked.length).toBeGreaterThan(0));
    // eslint-disable-next-line @typescript-eslint/require-await -- React waits for what an answer brings about.
    await act(async () => asked.shift()?.(page));
  };
  return { result, asked, answer };
}
const row = (id: string, read = false): Row => ({ id, read });

test("a change that comes while a further page is on its way is not undone by that page", async () => {
  const { result, answer } = list();
  await answer({ items: [row("a")], next_cursor: "b" });
  await waitFor(() => expect(result.current.rows).toEqual([row("a")]));
  act(() => void result.current.fetchNextPage());
  await waitFor(() => expect(result.current.isFetchingNextPage).toBe(true));
  // The page was read before the change of its own row, too.
  act(() => {
    result.current.patch("a", (old) => ({ ...old, read: true }));
    result.current.patch("b", (old) => ({ ...old, read: true }));
  });
  await answer({ items: [row("b")] });
  await waitFor(() => expect(result.current.rows).toEqual([row("a", true), row("b", true)]));
});

test("a list that was on its way when something came is read again", async () => {
  const { result, asked, answer } = list();
  await waitFor(() => expect(asked).toHaveLength(1));
  act(() => result.current.refresh());
  await waitFor(() => expect(asked).toHaveLength(2));
  // The newer question is answered first, and the older answer comes after it.
  const older = asked.shift();
  await answer({ items: [row("b"), row("a")] });
  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  await act(async () => older?.({ items: [row("a")] }));
  await answer({ items: [row("b"), row("a")] });
  await waitFor(() => expect(result.current.waiting).toBe(1));
});
