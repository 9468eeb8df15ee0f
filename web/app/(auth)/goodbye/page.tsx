import type { Metadata } from "next";
import { AuthFrame } from "@/components/auth-frame";

export const metadata: Metadata = { title: "Goodbye" };

export default function Goodbye() {
  return (
    <AuthFrame
      title="Goodbye for now"
      lead="Your account is out of use, and every device is signed out. A mail says until when you can come back: signing in is enough."
      foot={
        <a href="/sign-in" className="text-primary underline underline-offset-4">
          Sign in and keep it
        </a>
      }
    />
  );
}
