"use client";
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { Person } from "@/components/person";
import { Checkbox } from "@/components/ui/checkbox";
import { Input } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { findPeople } from "./api";

export interface Chosen {
  id: string;
  name: string;
}

/** Finds people by name or address and keeps those chosen in view, whatever is searched for next. */
export function PeoplePicker({ chosen, change }: { chosen: readonly Chosen[]; change: (next: Chosen[]) => void }) {
  const [search, setSearch] = useState("");
  const asked = useDeferredValue(search.trim());
  const { data, isError } = useQuery({ ...findPeople(asked), placeholderData: (old) => old });
  const toggle = (person: Chosen) => change(chosen.some((c) => c.id === person.id) ? chosen.filter((c) => c.id !== person.id) : [...chosen, { id: person.id, name: person.name }]);
  return (
    <div className="flex flex-col gap-2">
      <Input type="search" aria-label="Find people" placeholder="Beginning of a name or e-mail" value={search} onChange={(event) => setSearch(event.target.value)} />
      <ul aria-label="Chosen" className="flex flex-wrap gap-1.5 empty:hidden">
        {chosen.map((person) => (
          <li key={person.id} className="inline-flex items-center gap-1 rounded-full bg-raised py-0.5 pr-1 pl-3 text-13">
            {person.name}
            <button type="button" aria-label={`Leave out ${person.name}`} className="rounded-full p-1 hover:bg-border" onClick={() => toggle(person)}>
              <X aria-hidden className="size-3" />
            </button>
          </li>
        ))}
      </ul>
      {isError ? <p className="text-13 text-danger">People could not be looked up. Try again in a moment.</p> : null}
      <ul aria-label="Found" className="flex flex-col" aria-busy={!data}>
        {data
          ? data.items.map((user) => (
              <li key={user.id}>
                <label className="flex cursor-pointer items-center gap-3 rounded-control px-2 py-1.5 hover:bg-raised">
                  <Checkbox checked={chosen.some((c) => c.id === user.id)} onChange={() => toggle(user)} />
                  <Person id={user.id} name={user.name} picture={user.picture} detail={user.email} />
                </label>
              </li>
            ))
          : [0, 1, 2].map((n) => <Skeleton key={n} className="my-1 h-10" />)}
        {data?.items.length === 0 ? <li className="px-2 py-1.5 text-muted">Nobody fits.</li> : null}
      </ul>
    </div>
  );
}
