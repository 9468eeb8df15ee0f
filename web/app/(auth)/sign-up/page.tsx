import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";
import { SignUpForm } from "@/features/access/sign-up-form";

export const metadata: Metadata = { title: "Make an account" };

export default function SignUp() {
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
    </AuthFrame>
  );
}
