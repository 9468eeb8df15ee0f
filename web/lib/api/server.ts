import "server-only";
import createClient from "openapi-fetch";
import { cookies } from "next/headers";
import { notFound, redirect } from "next/navigation";
import { cache } from "react";
import { safePath } from "@/lib/paths";
import { can, type Permission } from "@/lib/permissions";
import type { Schema } from "./client";
import { ApiError, unwrap } from "./problem";
import type { paths } from "./schema";

const baseUrl = process.env.PORTICO_API ?? "http://127.0.0.1:8080";

/** Calls the server over loopback in the visitor's name. One client for each render. */
export const serverApi = cache(async () => {
  const cookie = (await cookies()).toString();
  return createClient<paths>({ baseUrl, headers: cookie ? { cookie } : {}, cache: "no-store" });
});

/** Who is signed in, or null. Asked once for each render, however many components want to know. */
export const visitor = cache(async (): Promise<Schema["MeView"] | null> => {
  try {
    return await unwrap((await serverApi()).GET("/api/v1/me"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
});

/** Who is signed in; anybody else is sent to sign in and comes back to `path` afterwards. */
export async function member(path: string): Promise<Schema["MeView"]> {
  const me = await visitor();
  if (!me) redirect(`/sign-in?next=${encodeURIComponent(safePath(path))}`);
  return me;
}

/** What this installation says of itself; null when the server cannot be asked. */
export const system = cache(async (): Promise<Schema["SystemView"] | null> => {
  try {
    return await unwrap((await serverApi()).GET("/api/v1/system"));
  } catch {
    return null;
  }
});

/** The ways in besides a password; none when the server cannot be asked. */
export const waysIn = cache(async (): Promise<Schema["WaysInView"]> => {
  try {
    return await unwrap((await serverApi()).GET("/api/v1/ways-in"));
  } catch {
    return { passkeys: false, providers: [] };
  }
});

/** A member of staff with the permission that the page needs. To anybody else the page does not exist. */
export async function staff(path: string, needs?: Permission): Promise<Schema["MeView"]> {
  const me = await member(path);
  // Staff whose rights are held back until they have a second factor are led to set it up.
  if (me.second_factor_due) redirect("/security");
  if (me.landing !== "/admin" || (needs && !can(me, needs))) notFound();
  return me;
}
