import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { ForgotForm } from "@/features/access/forgot-form";
import { system } from "@/lib/api/server";

export const metadata: Metadata = { title: "Forgot your password" };

interface Props {
  searchParams: Promise<{ email?: string | string[] }>;
}

export default async function ForgotPassword({ searchParams }: Props) {
  const [{ email }, info] = await Promise.all([searchParams, system()]);
  return (
    <AuthFrame
      title="A new password"
      lead="We mail you a link that lets you choose one."
      foot={
        <a href="/sign-in" className="text-primary underline underline-offset-4">
          Back to the sign-in page
        </a>
      }
    >
      <ForgotForm email={typeof email === "string" ? email : ""} viewer={info?.mail_viewer ?? false} />
    </AuthFrame>
  );
}
