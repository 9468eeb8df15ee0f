import type { ReactNode } from "react";
import { Providers } from "@/components/providers";
import { MemberShell } from "@/components/shell/member-shell";
import { visitor } from "@/lib/api/server";

/** The frame of a member's pages. Who is not signed in gets no frame: the page itself sends them to the door, and back. */
export default async function MemberLayout({ children }: { children: ReactNode }) {
  const me = await visitor();
  if (!me) return children;
  return (
    <Providers>
      <MemberShell me={me}>{children}</MemberShell>
    </Providers>
  );
}
