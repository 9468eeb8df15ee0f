import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { Button } from "@/components/ui/button";
import { system } from "@/lib/api/server";

export const metadata: Metadata = { title: "Check your mail" };

export default async function CheckMail() {
  const info = await system();
  return (
    <AuthFrame title="Check your mail" lead="If the address can be used, a message with a link is on its way. The link confirms the address and finishes your profile." foot="Nothing after a few minutes? Look in the spam folder, or sign up again with the same address.">
      {info?.mail_viewer ? (
        <Button asChild variant="secondary" size="lg">
          <a href="/_mail">Open the local mail viewer</a>
        </Button>
      ) : null}
    </AuthFrame>
  );
}
