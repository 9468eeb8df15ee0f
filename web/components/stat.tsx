import { Figure, Paragraph, Stack } from "@ds/layout";
import type { ReactNode } from "react";

/** One number that answers one question. */
export function Stat({ label, value, children }: { label: string; value: ReactNode; children?: ReactNode }) {
  return (
    <Stack spacing="xs" grow minWidth={116}>
      <Paragraph size="sm" tone="muted">
        {label}
      </Paragraph>
      <Figure>{value}</Figure>
      <div className="text-13 text-muted">{children}</div>
    </Stack>
  );
}
