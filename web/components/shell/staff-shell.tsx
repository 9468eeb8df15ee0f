"use client";
import { Activity, AppWindow, Cloud, CreditCard, Gauge, KeyRound, Layers, Mail, Menu, Newspaper, Plug, Server, ShieldCheck, Users } from "lucide-react";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import type { Schema } from "@/lib/api/client";
import { can, type Permission } from "@/lib/permissions";
import { Logo } from "../logo";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { AccountMenu } from "./account-menu";
import { ActingBar } from "./acting-bar";
import { NavLink } from "./nav-link";
import { useLiveMe } from "./use-live-me";

const items: readonly { href: string; label: string; icon: typeof Users; needs?: Permission; exact?: boolean }[] = [
  { href: "/admin", label: "Overview", icon: Gauge, exact: true },
  { href: "/admin/users", label: "Members", icon: Users, needs: "users.read" },
  { href: "/admin/tiers", label: "Tiers", icon: Layers, needs: "billing.read" },
  { href: "/admin/payments", label: "Payments", icon: CreditCard, needs: "billing.read" },
  { href: "/admin/roles", label: "Roles", icon: KeyRound, needs: "roles.write" },
  { href: "/admin/updates", label: "Updates", icon: Newspaper, needs: "updates.publish" },
  { href: "/admin/activity", label: "Activity", icon: Activity, needs: "audit.read" },
  { href: "/admin/security", label: "Security", icon: ShieldCheck, needs: "audit.read" },
  { href: "/admin/api-keys", label: "API keys", icon: Plug, needs: "api_keys.write" },
  { href: "/admin/apps", label: "Apps", icon: AppWindow, needs: "system.manage" },
  { href: "/admin/hosted-project", label: "Hosted project", icon: Cloud, needs: "system.read" },
  { href: "/admin/mails", label: "Mails", icon: Mail, needs: "system.read" },
  { href: "/admin/system", label: "System", icon: Server, needs: "system.read" },
];

function Items({ me, onGo }: { me: Schema["MeView"]; onGo?: () => void }) {
  return (
    <nav aria-label="Staff" className="flex flex-col gap-0.5">
      {items
        .filter((item) => !item.needs || can(me, item.needs))
        .map((item) => (
          <NavLink key={item.href} href={item.href} {...(item.exact ? { exact: true } : {})} {...(onGo ? { onClick: onGo } : {})}>
            <item.icon aria-hidden />
            {item.label}
          </NavLink>
        ))}
    </nav>
  );
}

/** The frame of staff pages: the porch on the left, the house on the right. */
export function StaffShell({ me: initial, children }: { me: Schema["MeView"]; children: ReactNode }) {
  const me = useLiveMe(initial);
  const [open, setOpen] = useState(false);
  return (
    <>
      <a href="#content" className="skip-link">
        Skip to the content
      </a>
      <ActingBar me={initial} />
      <div className="min-h-[calc(100dvh-var(--acting,0px))] md:grid md:grid-cols-[13.5rem_minmax(0,1fr)]">
        <aside aria-label="Portico" className="sticky top-[var(--acting,0px)] flex h-[calc(100dvh-var(--acting,0px))] flex-col gap-6 p-4 max-md:hidden">
          <Link href="/admin" className="rounded-control p-1">
            <Logo />
          </Link>
          <Items me={me} />
          <div className="mt-auto">
            <AccountMenu me={me} staff wide />
          </div>
        </aside>
        <header className="flex h-14 items-center gap-3 border-b border-border bg-surface px-4 md:hidden">
          <Button variant="ghost" size="icon" aria-label="Menu" onClick={() => setOpen(true)}>
            <Menu aria-hidden />
          </Button>
          <Logo className="grow" />
          <AccountMenu me={me} staff />
        </header>
        <Dialog open={open} onOpenChange={setOpen} title="Go to">
          <Items me={me} onGo={() => setOpen(false)} />
        </Dialog>
        <main id="content" className="min-w-0 border-border bg-surface max-md:min-h-[calc(100dvh-3.5rem)] md:my-2 md:mr-2 md:rounded-tl-[56px] md:rounded-tr-card md:rounded-b-card md:border">
          {children}
        </main>
      </div>
    </>
  );
}
