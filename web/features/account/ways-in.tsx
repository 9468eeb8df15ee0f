import { Section } from "@/components/section";
import { LinkedProviders } from "./linked-providers";
import { Passkeys } from "./passkeys";

/** What signs somebody in besides a password. Accounts elsewhere are spoken of only where there are any to link. */
export function WaysIn({ providers }: { providers: boolean }) {
  return (
    <>
      <Section id="passkeys" title="Passkeys" lead="Sign in with a fingerprint, a face or a PIN. A passkey stays on your devices; nobody can guess it, and no false page can ask for it.">
        <Passkeys />
      </Section>
      {providers ? (
        <Section id="linked" title="Accounts elsewhere" lead="They sign you in here.">
          <LinkedProviders />
        </Section>
      ) : null}
    </>
  );
}
