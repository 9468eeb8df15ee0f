import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { EmailLink } from "@/features/access/email-link";

export const metadata: Metadata = { title: "Your address", referrer: "no-referrer" };

export default function EmailChange() {
  return (
    <AuthFrame title="Your address">
      <EmailLink />
    </AuthFrame>
  );
}
