import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { VerifyForm } from "@/features/access/verify-form";

export const metadata: Metadata = { title: "Confirm your e-mail", referrer: "no-referrer" };

export default function Verify() {
  return (
    <AuthFrame title="Confirm your e-mail" lead="And finish your profile, so that times are yours.">
      <VerifyForm />
    </AuthFrame>
  );
}
