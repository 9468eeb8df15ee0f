"use client";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { invitationsOptions, invite, resend, takeBack, type Invitation } from "./invitations-api";
import { rolesOptions } from "./roles-api";

function Waiting({ one }: { one: Invitation }) {
  const client = useQueryClient();
  const again = () => Promise.all([client.invalidateQueries({ queryKey: keys.invitations() }), client.invalidateQueries({ queryKey: keys.users.all() })]);
  const failed = (error: Error) => toast(error.message, { tone: "error" });
  const send = useMutation({ mutationFn: () => resend(one.id), onSuccess: () => (toast(`${one.email} gets another mail.`), again()), onError: failed });
  const back = useMutation({ mutationFn: () => takeBack(one.id), onSuccess: () => (toast(`The invitation to ${one.email} is taken back.`), again()), onError: failed });
  return (
    <li className="flex flex-wrap items-center gap-2 border-b border-border py-2 last:border-b-0">
      <span className="flex min-w-0 grow flex-col">
        <span className="truncate">{one.email}</span>
        <span className="text-13 text-muted">
          until <RelativeTime at={one.expires_at} />
        </span>
      </span>
      <Button variant="ghost" size="sm" busy={send.isPending} onClick={() => send.mutate()}>
        Send again
      </Button>
      <Button variant="ghost" size="sm" busy={back.isPending} onClick={() => back.mutate()}>
        Take back
      </Button>
    </li>
  );
}

function Form({ mayGiveRoles, done }: { mayGiveRoles: boolean; done: () => void }) {
  const client = useQueryClient();
  const { data: roles } = useQuery(rolesOptions());
  const form = useSubmit(
    (data) => invite({ email: text(data, "email"), name: text(data, "name") || null, ...(mayGiveRoles ? { roles: data.getAll("roles").filter((one) => typeof one === "string") } : {}) }),
    (made) => {
      done();
      void Promise.all([client.invalidateQueries({ queryKey: keys.invitations() }), client.invalidateQueries({ queryKey: keys.users.all() })]);
      toast(`${made.email} gets a mail with a link.`);
    },
  );
  const offered = roles?.items.filter((role) => role.grantable) ?? [];
  return (
    <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{form.error && !form.fields.email && !form.fields.name ? <p className="text-danger">{form.error.message}</p> : null}</div>
      <TextField label="E-mail" name="email" type="email" error={form.fields.email} />
      <TextField label="Name" name="name" hint="They can say it themselves when they come." error={form.fields.name} />
      {mayGiveRoles && offered.length ? (
        <fieldset className="flex flex-wrap gap-x-5 gap-y-2">
          <legend className="mb-1.5 text-13 font-medium">Roles</legend>
          {offered.map((role) => (
            <label key={role.name} className="flex items-center gap-2">
              <Checkbox name="roles" value={role.name} defaultChecked={role.name === "member"} />
              {role.title}
            </label>
          ))}
        </fieldset>
      ) : null}
      <Button type="submit" busy={form.busy} className="self-end">
        Invite
      </Button>
    </form>
  );
}

/** Asking people to join, and those who have not come yet. */
export function Invite({ mayGiveRoles }: { mayGiveRoles: boolean }) {
  const [open, setOpen] = useState(false);
  const waiting = useInfiniteQuery({ ...invitationsOptions(), enabled: open });
  const rows = waiting.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <UserPlus aria-hidden />
        Invite
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title="Invite somebody" description="They get a mail with a link, say how they are called and choose a password.">
        <Form mayGiveRoles={mayGiveRoles} done={() => setOpen(false)} />
        {rows.length ? (
          <section aria-label="Waiting" className="flex flex-col gap-1">
            <h3 className="text-13 font-medium">Have not come yet</h3>
            <ul className="max-h-64 overflow-auto border-y border-border">
              {rows.map((one) => (
                <Waiting key={one.id} one={one} />
              ))}
            </ul>
            <More list={waiting} variant="ghost" size="sm" className="self-start">More</More>
          </section>
        ) : null}
      </Dialog>
    </>
  );
}
