import type { Schema } from "@/lib/api/client";
import { Person } from "@/components/person";

/** Offered only while demonstration data is loaded, on this machine alone. */
export function DemoAccounts({ accounts, pick }: { accounts: Schema["AccountView"][]; pick: (account: Schema["AccountView"]) => void }) {
  return (
    <fieldset className="mt-4 border-t border-border pt-4">
      <legend className="pr-3 text-13 text-muted">Try it as</legend>
      <div className="flex flex-col gap-1">
        {accounts.map((account) => (
          <button key={account.email} type="button" data-slot="demo-account" className="rounded-control px-2 py-1.5 text-left hover:bg-raised" onClick={() => pick(account)}>
            <Person id={account.email} name={account.name} detail={account.role} />
          </button>
        ))}
      </div>
    </fieldset>
  );
}
