import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { LinkForm } from "@/features/access/link-form";

export const metadata: Metadata = { title: "Sign in", referrer: "no-referrer" };

export default async function SignInByLink({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { next } = await searchParams;
  return (
    <AuthFrame title="Welcome back">
      <LinkForm next={typeof next === "string" ? next : null} />
    </AuthFrame>
  );
}
