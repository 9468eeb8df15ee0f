import { Page } from "@ds/layout";
import type { Metadata } from "next";
import Link from "next/link";
import { InPerson } from "@/components/in-person";
import { PageHeader } from "@/components/page-header";
import { Section } from "@/components/section";
import { emailChangeOptions } from "@/features/account/api";
import { EmailAddress } from "@/features/account/email-address";
import { Picture } from "@/features/account/picture";
import { ProfileForm } from "@/features/account/profile-form";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Profile" };

export default async function Profile() {
  const me = await member("/profile");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(emailChangeOptions(api))]}>
      <Page measure="form">
        <PageHeader title="Profile">What staff and other members see of you, and how times are written.</PageHeader>
        <InPerson me={me}>
          <Section title="Picture">
            <Picture me={me} />
          </Section>
          <Section title="Name and times">
            <ProfileForm me={me} />
          </Section>
        </InPerson>
        <Section title="E-mail" lead="You sign in with it, and mail goes there.">
          <InPerson me={me} always>
            <EmailAddress email={me.email} />
          </InPerson>
        </Section>
        <p className="border-t border-border pt-6 text-14 text-muted">
          A copy of your data, or leaving for good:{" "}
          <Link href="/your-data" className="text-primary underline underline-offset-4">
            your data
          </Link>
          . How you sign in:{" "}
          <Link href="/security" className="text-primary underline underline-offset-4">
            security
          </Link>
          .
        </p>
      </Page>
    </Prefetched>
  );
}
