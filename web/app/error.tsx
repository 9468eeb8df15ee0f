"use client";
import { Display, Paragraph, Stack } from "@ds/layout";
import { useEffect } from "react";
import { ArchArt } from "@/components/arch-art";
import { Button } from "@/components/ui/button";

export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  useEffect(() => console.error(error), [error]);
  return (
    <Stack role="alert" align="center" justify="center" spacing="lg" minHeight="70dvh" padding="$6" className="text-center">
      <ArchArt scene="lost" className="h-40 w-60" />
      <Stack spacing="sm" align="center" maxWidth={460}>
        <Display>This page could not be shown</Display>
        <Paragraph size="lg" tone="muted">
          What you saved is safe. The server may be restarting; a moment is usually enough.
        </Paragraph>
      </Stack>
      <Button size="lg" onClick={reset}>
        Try again
      </Button>
      {error.digest ? <span className="font-mono text-12 text-muted">{error.digest}</span> : null}
    </Stack>
  );
}
