"use client";
import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { rolesOptions, type Rule } from "./api";

const kinds: Record<Rule["kind"], { title: string; name: string; value?: string }> = {
  permission: { title: "Permission", name: "Its id" },
  team: { title: "Team", name: "Its id" },
  team_permission: { title: "Permission in a team", name: "Its id", value: "The team's id" },
  metadata: { title: "Server metadata", name: "Key", value: "Value" },
};

/** What of the project gives which role here. */
export function RulesField({ rules, change, error }: { rules: Rule[]; change: (rules: Rule[]) => void; error: string | undefined }) {
  const { data } = useQuery(rolesOptions());
  const set = (at: number, part: Partial<Rule>) => change(rules.map((rule, place) => (place === at ? { ...rule, ...part } : rule)));
  const add = () => change([...rules, { kind: "permission", name: "", value: "", role: data?.items.at(-1)?.name ?? "member" }]);
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-13 font-medium">Roles by rule</legend>
      <p className="text-13 text-muted">What a rule gave, it also takes. You cannot give by a rule what you could not give by hand.</p>
      {rules.map((rule, at) => (
        <div key={at} className="flex flex-wrap items-center gap-2 rounded-control bg-raised p-2">
          <Select aria-label={`Rule ${at + 1}: what is looked at`} value={rule.kind} onChange={(e) => set(at, { kind: e.target.value as Rule["kind"], value: "" })}>
            {Object.entries(kinds).map(([kind, { title }]) => (
              <option key={kind} value={kind}>
                {title}
              </option>
            ))}
          </Select>
          <Input className="min-w-32 flex-1" aria-label={`Rule ${at + 1}: ${kinds[rule.kind].name}`} placeholder={kinds[rule.kind].name} value={rule.name} onChange={(e) => set(at, { name: e.target.value })} />
          {kinds[rule.kind].value ? (
            <Input className="min-w-32 flex-1" aria-label={`Rule ${at + 1}: ${kinds[rule.kind].value ?? ""}`} placeholder={kinds[rule.kind].value} value={rule.value ?? ""} onChange={(e) => set(at, { value: e.target.value })} />
          ) : null}
          <span className="flex items-center gap-2 text-13 text-muted">
            gives
            <Select aria-label={`Rule ${at + 1}: role`} value={rule.role} onChange={(e) => set(at, { role: e.target.value })}>
              {data?.items.map((role) => (
                <option key={role.name} value={role.name}>
                  {role.title}
                </option>
              ))}
            </Select>
          </span>
          <Button type="button" variant="ghost" size="iconSm" className="ml-auto" aria-label={`Remove rule ${at + 1}`} onClick={() => change(rules.filter((_, place) => place !== at))}>
            <X aria-hidden />
          </Button>
        </div>
      ))}
      {error ? (
        <p role="alert" className="text-13 text-danger">
          {error}
        </p>
      ) : null}
      <Button type="button" variant="secondary" size="sm" className="self-start" onClick={add}>
        <Plus aria-hidden />
        Add a rule
      </Button>
    </fieldset>
  );
}
