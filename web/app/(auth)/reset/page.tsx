import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { ResetForm } from "@/features/access/reset-form";

export const metadata: Metadata = { title: "Choose a new password", referrer: "no-referrer" };

export default function Reset() {
  return (
    <AuthFrame title="Choose a new password" lead="Every device is signed out, and you sign in again with it.">
      <ResetForm />
    </AuthFrame>
  );
}
