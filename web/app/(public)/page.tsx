import type { Metadata } from "next";
import { Display, H3, Paragraph, Stack, Title } from "@ds/layout";
import { ArchiveRestore, BellRing, CheckCheck, DoorOpen, KeyRound, Server } from "lucide-react";
import { Arcade } from "@/components/arch-art";
import { Logo } from "@/components/logo";
import { Person } from "@/components/person";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";

export const dynamic = "force-static";
export const metadata: Metadata = { robots: { index: true } };

const rooms = [
  { icon: BellRing, title: "Updates that arrive", text: "Write to everyone, to a role, or to three people. It is on their page a moment later, without a reload." },
  { icon: CheckCheck, title: "Receipts you can trust", text: "Delivered, read, acknowledged: counted per person, live, and kept." },
  { icon: DoorOpen, title: "Doors with the right keys", text: "Roles give staff what their work needs. What a role does not include is not on the page." },
  { icon: KeyRound, title: "Every device in view", text: "Members see where they are signed in, and sign one out at once." },
  { icon: ArchiveRestore, title: "Nothing taken on faith", text: "An audit log that shows when it was altered, and jobs that are retried rather than forgotten." },
  { icon: Server, title: "On a machine you own", text: "One program with its own database. One command starts it; no account anywhere, no key to fetch." },
] as const;

const readers = [
  { id: "ada", name: "Ada Novak", state: "read this at 9:02", tone: "success" },
  { id: "ben", name: "Ben Okafor", state: "has not read this yet", tone: "neutral" },
  { id: "cleo", name: "Cleo Lindqvist", state: "will be there", tone: "primary" },
] as const;

function Receipts() {
  return (
    <figure className="flex flex-col gap-5 rounded-card border border-border bg-surface p-6">
      <div className="flex flex-col gap-1">
        <span className="text-13 text-muted">An update to 3 people</span>
        <span className="text-20 font-semibold tracking-tight">The studio closes at four on Friday</span>
      </div>
      <ul className="flex flex-col">
        {readers.map((reader) => (
          <li key={reader.id} className="flex items-center justify-between gap-3 border-t border-border py-2.5">
            <Person id={reader.id} name={reader.name} />
            <Badge tone={reader.tone}>{reader.state}</Badge>
          </li>
        ))}
      </ul>
      <figcaption className="text-13 text-muted">What staff see, as it happens.</figcaption>
    </figure>
  );
}

export default function Landing() {
  return (
    <>
      <header className="mx-auto flex h-16 max-w-page items-center justify-between px-8 max-sm:px-4">
        <Logo />
        <nav aria-label="Account" className="flex items-center gap-2">
          <Button asChild variant="ghost" className="max-sm:hidden">
            <a href="/sign-up">Make an account</a>
          </Button>
          <Button asChild variant="secondary">
            <a href="/sign-in">Sign in</a>
          </Button>
        </nav>
      </header>
      <main>
        <section className="mx-auto grid max-w-page items-end gap-12 px-8 pt-10 max-sm:px-4 md:grid-cols-[1.1fr_1fr] md:pt-16">
          <div className="flex flex-col gap-8 md:pb-24">
            <Stack spacing="md">
              <Display>The covered porch of your business</Display>
              <Paragraph size="xl" tone="muted">
                Where members find what concerns them and do what is asked, and where you see that they have. On one machine that you own.
              </Paragraph>
            </Stack>
            <div className="flex flex-wrap gap-3">
              <Button asChild size="lg">
                <a href="/sign-up">Make an account</a>
              </Button>
              <Button asChild size="lg" variant="ghost">
                <a href="/sign-in">Sign in</a>
              </Button>
            </div>
          </div>
          <Arcade className="aspect-square w-full rounded-t-[999px] border border-b-0 border-border" />
        </section>
        <section className="border-y border-border bg-surface">
          <div className="mx-auto grid max-w-page items-center gap-12 px-8 py-20 max-sm:px-4 max-sm:py-12 md:grid-cols-2">
            <Stack spacing="md">
              <Title>Ada has read it. Ben has not yet.</Title>
              <Paragraph size="lg" tone="muted">
                An update is not sent into the air. Each person it concerns has a receipt, and it changes before your eyes: delivered when it reaches them, read when they
                open it, acknowledged when they say so.
              </Paragraph>
            </Stack>
            <Receipts />
          </div>
        </section>
        <section className="mx-auto max-w-page px-8 py-20 max-sm:px-4 max-sm:py-12">
          <Title>What is in the house</Title>
          <ul className="mt-10 grid gap-x-12 gap-y-10 sm:grid-cols-2 md:grid-cols-3">
            {rooms.map((room) => (
              <li key={room.title} className="flex flex-col gap-3">
                <room.icon aria-hidden className="size-5 text-primary" />
                <H3>{room.title}</H3>
                <Paragraph tone="muted">{room.text}</Paragraph>
              </li>
            ))}
          </ul>
        </section>
      </main>
      <footer className="border-t border-border">
        <div className="mx-auto flex max-w-page flex-wrap items-center justify-between gap-4 px-8 py-8 text-13 text-muted max-sm:px-4">
          <span>Portico, on its own machine.</span>
          <a href="/api/docs" className="underline underline-offset-4 hover:text-ink">
            For developers
          </a>
        </div>
      </footer>
    </>
  );
}
