/** What the pages ask for; the server decides. Actions without permission are absent from a page rather than refused. */
export type Permission = "users.read" | "users.write" | "roles.write" | "api_keys.write" | "updates.read" | "updates.publish" | "billing.read" | "billing.write" | "audit.read" | "system.read" | "system.manage";

interface Holder {
  permissions: readonly string[];
}

/** `*` is the owner's: everything, also what is added later. */
export const can = (who: Holder, permission: Permission): boolean => who.permissions.includes(permission) || who.permissions.includes("*");
