import { H1, Paragraph, Row, Stack } from "@ds/layout";
import type { ReactNode } from "react";

/** The title of a signed-in page, its one main action, and what it is in a sentence. */
export function PageHeader({ title, children, action, beside }: { title: string; children?: ReactNode; action?: ReactNode; beside?: ReactNode }) {
  return (
    <Row justify="between" align="end" spacing="md" wraps>
      <Stack spacing="xs" maxWidth="100%" flexShrink={1}>
        <Row spacing="sm" wraps>
          <H1>{title}</H1>
          {beside}
        </Row>
        {children ? <Paragraph tone="muted">{children}</Paragraph> : null}
      </Stack>
      {action}
    </Row>
  );
}
