import { connection } from "next/server";
import type { ReactNode } from "react";

/** Rendered per request: each page carries the nonce of its own policy. */
export default async function AuthLayout({ children }: { children: ReactNode }) {
  await connection();
  return children;
}
