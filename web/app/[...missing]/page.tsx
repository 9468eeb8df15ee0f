import { notFound } from "next/navigation";
import { connection } from "next/server";

/** Rendered per request, unlike Next's own page for an unknown address, so that it carries the nonce of its policy. */
export default async function Missing() {
  await connection();
  notFound();
}
