import type { ReactNode } from "react";
import { Providers } from "@/components/providers";
import { MemberShell } from "@/components/shell/member-shell";
import { serverApi, visitor } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";
import { waitingOptions } from "@/lib/waiting";

/** The frame of a member's pages. Who is not signed in gets no frame: the page itself sends them to the door, and back. */
export default async function MemberLayout({ children }: { children: ReactNode }) {
  const me = await visitor();
  if (!me) return children;
  const api = await serverApi();
  return (
    <Providers>
      <Prefetched load={(client) => [client.query(waitingOptions(api))]}>
        <MemberShell me={me}>{children}</MemberShell>
      </Prefetched>
    </Providers>
  );
}
