import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { ProfileForm } from "@/features/account/profile-form";
import { member } from "@/lib/api/server";

export const metadata: Metadata = { title: "Profile" };

export default async function Profile() {
  const me = await member("/profile");
  return (
    <Page measure="form">
      <PageHeader title="Profile">What staff and other members see of you, and how times are written.</PageHeader>
      <ProfileForm me={me} />
    </Page>
  );
}
