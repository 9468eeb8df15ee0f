import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { SetupForm } from "@/features/access/setup-form";
import { system } from "@/lib/api/server";

export const metadata: Metadata = { title: "Set up", referrer: "no-referrer" };

export default async function Setup() {
  const info = await system();
  if (info && !info.setup_needed)
    return (
      <AuthFrame
        title="Already set up"
        lead="This Portico has an owner."
        foot={
          <a href="/sign-in" className="text-primary underline underline-offset-4">
            Sign in
          </a>
        }
      />
    );
  return (
    <AuthFrame title="This house is yours" lead="The first account owns this Portico. Everybody else is invited or signs up.">
      <SetupForm />
    </AuthFrame>
  );
}
