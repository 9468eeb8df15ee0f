import { Display, Paragraph, Stack } from "@ds/layout";
import type { ReactNode } from "react";
import { Arcade } from "./arch-art";
import { Logo } from "./logo";

/** A page at the door: the question on one side, the porch on the other. */
export function AuthFrame({ title, lead, children, foot }: { title: string; lead?: ReactNode; children?: ReactNode; foot?: ReactNode }) {
  return (
    <div className="grid min-h-dvh bg-surface md:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
      <main className="flex flex-col px-6 py-6 md:px-12">
        <a href="/" className="self-start rounded-control">
          <Logo />
        </a>
        <div className="mx-auto flex w-full max-w-form grow flex-col justify-center gap-6 py-10">
          <Stack spacing="sm">
            <Display>{title}</Display>
            {lead ? (
              <Paragraph size="lg" tone="muted">
                {lead}
              </Paragraph>
            ) : null}
          </Stack>
          {children}
          {foot ? <div className="text-14 text-muted">{foot}</div> : null}
        </div>
      </main>
      <div className="relative overflow-hidden bg-raised max-md:hidden">
        <Arcade className="absolute inset-0 size-full" />
      </div>
    </div>
  );
}
