import { Paragraph, Quiet, Stack } from "@ds/layout";
import type { ComponentProps, ReactNode } from "react";
import { ArchArt } from "./arch-art";

/** Nothing here yet, and what to do about it. */
export function EmptyState({ title, children, action, scene = "porch" }: { title: string; children?: ReactNode; action?: ReactNode; scene?: ComponentProps<typeof ArchArt>["scene"] }) {
  return (
    <Stack data-slot="empty" align="center" spacing="md" paddingVertical="$10" paddingHorizontal="$4" className="text-center">
      <ArchArt scene={scene} />
      <Stack spacing="sm" align="center" maxWidth={420}>
        <Quiet>{title}</Quiet>
        <Paragraph tone="muted">{children}</Paragraph>
      </Stack>
      {action}
    </Stack>
  );
}
