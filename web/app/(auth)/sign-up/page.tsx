import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { OtherWays } from "@/features/access/other-ways";
import { SignUpForm } from "@/features/access/sign-up-form";
import { waysIn } from "@/lib/api/server";

export const metadata: Metadata = { title: "Make an account", robots: { index: true } };

export default async function SignUp() {
  const ways = await waysIn();
  return (
    <AuthFrame
      title="Come in"
      lead="An account takes a name, an address and a password."
      foot={
        <>
          Have an account?{" "}
          <a href="/sign-in" className="text-primary underline underline-offset-4">
            Sign in
          </a>
        </>
      }
    >
      <SignUpForm />
      <OtherWays ways={ways} next={null} joining />
    </AuthFrame>
  );
}
