import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { AuthFrame } from "@/components/auth-frame";
import { SignInForm } from "@/features/access/sign-in-form";
import { system, visitor } from "@/lib/api/server";
import { safePath } from "@/lib/paths";

export const metadata: Metadata = { title: "Sign in" };

interface Props {
  searchParams: Promise<{ next?: string | string[]; email?: string | string[] }>;
}
const one = (value: string | string[] | undefined) => (typeof value === "string" ? value : null);

export default async function SignIn({ searchParams }: Props) {
  const [params, info, me] = await Promise.all([searchParams, system(), visitor().catch(() => null)]);
  const next = one(params.next);
  if (me) redirect(safePath(next, safePath(me.landing, "/home")));
  return (
    <AuthFrame
      title="Welcome back"
      foot={
        <>
          New here?{" "}
          <a href="/sign-up" className="text-primary underline underline-offset-4">
            Make an account
          </a>
        </>
      }
    >
      <SignInForm email={one(params.email) ?? ""} next={next} demo={info?.demo ? info.demo_accounts : []} />
    </AuthFrame>
  );
}
