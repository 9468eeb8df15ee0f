"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import type { Schema } from "@/lib/api/client";
import { waitingOptions } from "@/lib/waiting";
import { Mark } from "../logo";
import { AccountMenu } from "./account-menu";
import { ActingBar } from "./acting-bar";
import { NavLink } from "./nav-link";
import { useLiveMe } from "./use-live-me";

/** The frame of a member's pages: one quiet line at the top, the page beneath it. */
export function MemberShell({ me: initial, children }: { me: Schema["MeView"]; children: ReactNode }) {
  const me = useLiveMe(initial);
  const unread = useQuery(waitingOptions()).data?.unread ?? 0;
  return (
    <>
      <a href="#content" className="skip-link">
        Skip to the content
      </a>
      <ActingBar me={initial} />
      <header className="border-b border-border bg-surface">
        <div className="mx-auto flex h-14 max-w-page items-center gap-6 px-8 max-sm:gap-2 max-sm:px-4">
          <Link href="/home" aria-label="Portico, home" className="rounded-control">
            <Mark />
          </Link>
          <nav aria-label="Main" className="flex grow gap-1">
            <NavLink href="/home" exact>
              Home
            </NavLink>
            <NavLink href="/updates">
              Updates
              <span className="inline-flex min-w-5 justify-center" data-slot="unread">
                {unread > 0 ? (
                  <span className="rounded-full bg-accent/16 px-1.5 text-12 font-medium text-accent-ink tabular-nums">
                    {unread}
                    <span className="sr-only"> unread</span>
                  </span>
                ) : null}
              </span>
            </NavLink>
            <NavLink href="/membership">Membership</NavLink>
          </nav>
          <AccountMenu me={me} staff={false} />
        </div>
      </header>
      <main id="content">{children}</main>
    </>
  );
}
