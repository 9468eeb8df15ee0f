import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { LinkForm } from "@/features/access/link-form";

export const metadata: Metadata = { title: "Sign in", referrer: "no-referrer" };

export default function SignInByLink() {
  return (
    <AuthFrame title="Welcome back">
      <LinkForm />
    </AuthFrame>
  );
}
