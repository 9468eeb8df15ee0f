"use client";
import { Archive, ChevronsUpDown, DoorOpen, LayoutDashboard, LogOut, ShieldCheck, UserRound } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { setDensity, setTheme, useDensity, useTheme, type Density, type Theme } from "@/lib/preferences";
import { Avatar } from "../ui/avatar";
import { toast } from "../ui/toast";
import { endActing } from "./acting-bar";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "../ui/dropdown-menu";

function Choices() {
  const theme = useTheme();
  const density = useDensity();
  return (
    <>
      <DropdownMenuLabel>Theme</DropdownMenuLabel>
      <DropdownMenuRadioGroup value={theme} onValueChange={(next) => setTheme(next as Theme)}>
        <DropdownMenuRadioItem value="system">As the system</DropdownMenuRadioItem>
        <DropdownMenuRadioItem value="light">Light</DropdownMenuRadioItem>
        <DropdownMenuRadioItem value="dark">Dark</DropdownMenuRadioItem>
      </DropdownMenuRadioGroup>
      <DropdownMenuLabel>Tables</DropdownMenuLabel>
      <DropdownMenuRadioGroup value={density} onValueChange={(next) => setDensity(next as Density)}>
        <DropdownMenuRadioItem value="comfortable">Comfortable</DropdownMenuRadioItem>
        <DropdownMenuRadioItem value="compact">Compact</DropdownMenuRadioItem>
      </DropdownMenuRadioGroup>
    </>
  );
}

export function AccountMenu({ me, staff, wide = false }: { me: Schema["MeView"]; staff: boolean; wide?: boolean }) {
  const [leaving, setLeaving] = useState(false);
  async function leave(): Promise<void> {
    setLeaving(true);
    try {
      if (me.acting) await endActing(me);
      else {
        await unwrap(api.DELETE("/api/v1/sessions/current"));
        location.assign("/sign-in");
      }
    } catch {
      setLeaving(false);
      toast(me.acting ? "It has not ended: the server could not be reached." : "You are still signed in: the server could not be reached.", { tone: "error" });
    }
  }
  return (
    <DropdownMenu>
      <DropdownMenuTrigger
        data-slot="account"
        className={wide ? "flex w-full items-center gap-2.5 rounded-control p-2 text-left hover:bg-raised" : "rounded-full"}
      >
        <span className="sr-only">Your account{wide ? ": " : ""}</span>
        <Avatar id={me.id} name={me.display_name} picture={me.picture_small} />
        {wide ? (
          <>
            <span className="flex min-w-0 grow flex-col">
              <span className="truncate font-medium">{me.display_name}</span>
              <span className="truncate text-12 text-muted">{me.email}</span>
            </span>
            <ChevronsUpDown aria-hidden className="size-4 text-muted" />
          </>
        ) : null}
      </DropdownMenuTrigger>
      <DropdownMenuContent {...(wide ? { align: "start" as const, side: "top" as const } : {})}>
        <DropdownMenuLabel>{me.email}</DropdownMenuLabel>
        {staff ? (
          <DropdownMenuItem asChild>
            <Link href="/home">
              <DoorOpen aria-hidden />
              Member pages
            </Link>
          </DropdownMenuItem>
        ) : me.landing === "/admin" ? (
          <DropdownMenuItem asChild>
            <Link href="/admin">
              <LayoutDashboard aria-hidden />
              Staff pages
            </Link>
          </DropdownMenuItem>
        ) : null}
        <DropdownMenuItem asChild>
          <Link href="/profile">
            <UserRound aria-hidden />
            Profile
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem asChild>
          <Link href="/security">
            <ShieldCheck aria-hidden />
            Security
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem asChild>
          <Link href="/your-data">
            <Archive aria-hidden />
            Your data
          </Link>
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <Choices />
        <DropdownMenuSeparator />
        <DropdownMenuItem
          disabled={leaving}
          onSelect={(event) => {
            event.preventDefault();
            void leave();
          }}
        >
          <LogOut aria-hidden />
          {me.acting ? "Be yourself again" : "Sign out"}
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
