import type { ReactNode } from "react";
import { Notice } from "./notice";
import type { Schema } from "@/lib/api/client";

/**
 * Controls that whoever acts in a member's place may not use: they are seen as the member sees them, and do nothing. `always` for
 * what nobody may do on somebody's behalf; else only where changes were not asked for.
 */
export function InPerson({ me, always = false, children }: { me: Schema["MeView"]; always?: boolean; children: ReactNode }) {
  if (!me.acting || (!always && me.acting.mode === "write")) return children;
  return (
    <>
      <Notice>{always ? `Only ${me.display_name} may change this. You see it as they do.` : "You are only looking, so nothing here can be changed."}</Notice>
      <fieldset disabled className="contents">
        {children}
      </fieldset>
    </>
  );
}
