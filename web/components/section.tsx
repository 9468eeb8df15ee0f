import { H2, Paragraph, Stack } from "@ds/layout";
import type { ReactNode } from "react";

interface Props {
  id?: string;
  title: string;
  lead?: ReactNode;
  /** The one thing to do about it, beside its title. */
  action?: ReactNode;
  children?: ReactNode;
}

/** A part of a settings page: what it is about, what it is for, and the controls. */
export function Section({ id, title, children, lead, action }: Props) {
  return (
    <section {...(id ? { id } : {})} aria-label={title} className="flex flex-col gap-4 border-t border-border pt-6 first:border-t-0 first:pt-0">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <Stack spacing="xs" flexShrink={1} flexGrow={1} flexBasis={256} minWidth={0}>
          <H2>{title}</H2>
          {lead ? <Paragraph tone="muted">{lead}</Paragraph> : null}
        </Stack>
        {action}
      </div>
      {children}
    </section>
  );
}
