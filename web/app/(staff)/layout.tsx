import type { ReactNode } from "react";
import { Providers } from "@/components/providers";
import { StaffShell } from "@/components/shell/staff-shell";
import { visitor } from "@/lib/api/server";

/** The frame of staff pages. Who may not be here gets no frame: the page itself answers. */
export default async function StaffLayout({ children }: { children: ReactNode }) {
  const me = await visitor();
  if (me?.landing !== "/admin") return children;
  return (
    <Providers>
      <StaffShell me={me}>{children}</StaffShell>
    </Providers>
  );
}
