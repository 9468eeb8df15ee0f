import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { InviteForm } from "@/features/access/invite-form";

export const metadata: Metadata = { title: "Accept the invitation", referrer: "no-referrer" };

export default function Invitation() {
  return (
    <AuthFrame title="Come in" lead="Your account is ready. Say how you are called, and choose a password.">
      <InviteForm />
    </AuthFrame>
  );
}
