import { api } from "./api/client";
import { unwrap } from "./api/problem";
import { keys } from "./query-keys";

/** What waits for the member: the frame shows it as a number, the home page as a sentence. */
export const waitingOptions = (client: Pick<typeof api, "GET"> = api) => ({
  queryKey: keys.feed.waiting(),
  queryFn: () => unwrap(client.GET("/api/v1/feed/waiting")),
});
