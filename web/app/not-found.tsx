import { Display, Paragraph, Stack } from "@ds/layout";
import { ArchArt } from "@/components/arch-art";
import { Button } from "@/components/ui/button";

export const metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <main>
      <Stack align="center" justify="center" spacing="lg" minHeight="100dvh" padding="$6" className="text-center">
        <ArchArt scene="lost" className="h-40 w-60" />
        <Stack spacing="sm" align="center" maxWidth={440}>
          <Display>No door here</Display>
          <Paragraph size="lg" tone="muted">
            The address leads nowhere, or to something that is not yours to see.
          </Paragraph>
        </Stack>
        <Button asChild size="lg">
          <a href="/home">Go home</a>
        </Button>
      </Stack>
    </main>
  );
}
