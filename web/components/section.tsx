import { H2, Paragraph, Stack } from "@ds/layout";
import type { ReactNode } from "react";

/** A part of a settings page: what it is about, what it is for, and the controls. */
export function Section({ id, title, children, lead }: { id?: string; title: string; lead?: ReactNode; children: ReactNode }) {
  return (
    <section {...(id ? { id } : {})} aria-label={title} className="flex flex-col gap-4 border-t border-border pt-6 first:border-t-0 first:pt-0">
      <Stack spacing="xs">
        <H2>{title}</H2>
        {lead ? <Paragraph tone="muted">{lead}</Paragraph> : null}
      </Stack>
      {children}
    </section>
  );
}
