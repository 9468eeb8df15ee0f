"use client";
import { useQuery } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { roles } from "@/lib/roles";
import { tiersOptions } from "@/lib/tiers";
import { previewOptions, type Audience } from "./api";
import { people } from "./audience";
import { PeoplePicker, type Chosen } from "./people-picker";

export interface AudienceState {
  kind: Audience["kind"];
  role: string;
  tier: string;
  users: Chosen[];
}

/** The audience as the server takes it; null while nobody is chosen. */
export function toAudience(state: AudienceState): Audience | null {
  if (state.kind === "everyone") return { kind: "everyone" };
  if (state.kind === "role") return { kind: "role", role: state.role };
  if (state.kind === "tier") return state.tier ? { kind: "tier", tier: state.tier } : null;
  return state.users.length ? { kind: "users", users: state.users.map((u) => u.id) } : null;
}

const idle: Audience = { kind: "everyone" };

/** How many people this reaches, asked of the server, which decides at the moment of publishing. */
export function useReach(state: AudienceState) {
  const audience = toAudience(state);
  return useQuery({ ...previewOptions(audience ?? idle), enabled: audience !== null, placeholderData: (old) => (audience ? old : undefined) });
}

export function AudienceField({ state, change, error }: { state: AudienceState; change: (next: AudienceState) => void; error?: string | undefined }) {
  const reach = useReach(state);
  const tiers = useQuery(tiersOptions()).data?.items ?? [];
  const missing = state.kind === "tier" ? "Choose a tier" : "Choose at least one person";
  const count = toAudience(state) === null ? missing : reach.data ? `Reaches ${people(reach.data.recipients)}` : reach.isError ? "The count could not be had" : "Counting";
  return (
    <div className="flex flex-col gap-3">
      <Field label="To" error={error}>
        {(wiring) => (
          <Select value={state.kind} onChange={(event) => change({ ...state, kind: event.target.value as Audience["kind"], tier: state.tier || (tiers[0]?.key ?? "") })} {...wiring}>
            <option value="everyone">Everyone</option>
            <option value="role">A role</option>
            {tiers.length ? <option value="tier">A tier</option> : null}
            <option value="users">Certain people</option>
          </Select>
        )}
      </Field>
      {state.kind === "role" ? (
        <Select aria-label="Role" value={state.role} onChange={(event) => change({ ...state, role: event.target.value })}>
          {roles.map((role) => (
            <option key={role.key} value={role.key}>
              {role.title}
            </option>
          ))}
        </Select>
      ) : null}
      {state.kind === "tier" ? (
        <Select aria-label="Tier" value={state.tier} onChange={(event) => change({ ...state, tier: event.target.value })}>
          {tiers.map((tier) => (
            <option key={tier.key} value={tier.key}>
              {tier.name}
            </option>
          ))}
        </Select>
      ) : null}
      {state.kind === "users" ? <PeoplePicker chosen={state.users} change={(users) => change({ ...state, users })} /> : null}
      <p role="status" className="flex items-center gap-2 text-13 text-muted" data-slot="reach">
        <Users aria-hidden className="size-4" />
        {count}
      </p>
    </div>
  );
}
