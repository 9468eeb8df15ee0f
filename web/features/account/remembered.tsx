"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { forgetDevice } from "./api";

type Remembered = Schema["SecurityView"]["remembered_devices"][number];

function Row({ device }: { device: Remembered }) {
  const client = useQueryClient();
  const forget = useMutation({
    mutationFn: () => forgetDevice(device.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.ownSecurity() });
      toast(`${device.device} is asked for a code again.`);
    },
    onError: () => toast("It is still remembered: the server could not be reached.", { tone: "error" }),
  });
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-border py-3 last:border-b-0">
      <span className="flex min-w-0 flex-col">
        <span className="flex flex-wrap items-center gap-2 font-medium">
          {device.device}
          {device.current ? <Badge tone="primary">This device</Badge> : null}
        </span>
        <span className="text-13 text-muted">
          Until <RelativeTime at={device.until} />, last used <RelativeTime at={device.last_seen_at} /> from <span className="font-mono text-12">{device.ip}</span>
        </span>
      </span>
      <Button variant="secondary" size="sm" busy={forget.isPending} onClick={() => forget.mutate()}>
        Forget
      </Button>
    </li>
  );
}

/** Browsers that are not asked for the second step. */
export function RememberedSection({ devices }: { devices: Remembered[] }) {
  return (
    <Section title="Remembered devices" lead={devices.length ? "These are not asked for a code when you sign in." : "None: every device is asked for a code when you sign in."}>
      {devices.length ? (
        <ul className="border-t border-border">
          {devices.map((device) => (
            <Row key={device.id} device={device} />
          ))}
        </ul>
      ) : null}
    </Section>
  );
}
