"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { ErrorState } from "@/components/error-state";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { securityOptions } from "./api";
import { PasswordSection } from "./password-section";
import { RememberedSection } from "./remembered";
import { TwoStepSection } from "./two-step-section";

/** What proves that it is the account's owner: the password, and what is asked besides it. */
export function Security({ me }: { me: Schema["MeView"] }) {
  const { data, isError, error, refetch } = useQuery(securityOptions());
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data)
    return (
      <div aria-busy className="flex flex-col gap-6">
        {[0, 1].map((n) => (
          <Skeleton key={n} className="h-16" />
        ))}
      </div>
    );
  return (
    <>
      {data.second_factor_due ? (
        <p role="status" className="flex items-start gap-2.5 rounded-card bg-accent/10 px-4 py-3 text-14">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-accent-ink" />
          This place asks two-step verification of its staff. Set it up below, and your staff pages open.
        </p>
      ) : null}
      <PasswordSection me={me} changedAt={data.password_changed_at ?? null} />
      <TwoStepSection security={data} />
      {data.totp_since ? <RememberedSection devices={data.remembered_devices} /> : null}
    </>
  );
}
