import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { AuthFrame } from "@/components/auth-frame";
import { Notice } from "@/components/notice";
import { OtherWays } from "@/features/access/other-ways";
import { providerProblem } from "@/lib/provider-problem";
import { SignInForm } from "@/features/access/sign-in-form";
import { system, visitor, waysIn } from "@/lib/api/server";
import { safePath } from "@/lib/paths";

export const metadata: Metadata = { title: "Sign in", robots: { index: true } };

interface Props {
  searchParams: Promise<{ next?: string | string[]; email?: string | string[]; problem?: string | string[]; provider?: string | string[]; second?: string | string[] }>;
}
/** The factors that a sign-in at a provider's waits for; whoever makes them up only sees a question that nothing waits behind. */
const FACTORS = ["totp", "passkey", "recovery_code"] as const;
function waiting(value: string | null) {
  const factors = FACTORS.filter((factor) => value?.split(",").includes(factor));
  return factors.length ? { factors, expires_at: "" } : null;
}
const one = (value: string | string[] | undefined) => (typeof value === "string" ? value : null);

export default async function SignIn({ searchParams }: Props) {
  const [params, info, me, ways] = await Promise.all([searchParams, system(), visitor().catch(() => null), waysIn()]);
  const next = one(params.next);
  if (me) redirect(safePath(next, safePath(me.landing, "/home")));
  const second = waiting(one(params.second));
  const asked = one(params.provider);
  const provider = ways.providers.find((one) => one.name === asked);
  const problem = providerProblem(one(params.problem), provider?.title ?? "The provider");
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
      {problem ? <Notice>{problem}</Notice> : null}
      <SignInForm email={one(params.email) ?? ""} next={next} demo={info?.demo ? info.demo_accounts : []} second={second} others={<OtherWays ways={ways} next={next} />} />
    </AuthFrame>
  );
}
