/** What the pages ask for; the server decides. Actions without permission are absent from a page rather than refused. */
export type Permission = "users.read" | "users.write" | "users.impersonate" | "roles.write" | "api_keys.write" | "updates.read" | "updates.publish" | "billing.read" | "billing.write" | "audit.read" | "system.read" | "system.manage";

interface Holder {
  permissions: readonly string[];
  /** Somebody acts in their place. */
  acting?: unknown;
}

/** `*` is the owner's: everything, also what is added later. Whoever acts in a member of staff's place sees what they see, and does nothing of what they may do. */
export function can(who: Holder, permission: Permission): boolean {
  if (who.acting && !permission.endsWith(".read")) return false;
  return who.permissions.includes(permission) || who.permissions.includes("*");
}
