import type { ReactNode } from "react";
import { Providers } from "@/components/providers";
import { MemberShell } from "@/components/shell/member-shell";
import { StaffShell } from "@/components/shell/staff-shell";
import { visitor } from "@/lib/api/server";

/** The frame of staff pages. Who may not be here gets no frame: the page itself answers. */
export default async function StaffLayout({ children }: { children: ReactNode }) {
  const me = await visitor();
  // A page that is not there still says in whose place one is, and how to get out of it.
  if (me?.acting && me.landing !== "/admin")
    return (
      <Providers>
        <MemberShell me={me}>{children}</MemberShell>
      </Providers>
    );
  if (me?.landing !== "/admin") return children;
  return (
    <Providers>
      <StaffShell me={me}>{children}</StaffShell>
    </Providers>
  );
}
