/** The roles that every installation has, in the words of the pages. A role of its own is shown by its name. */
export const roles = [
  { key: "owner", title: "Owner" },
  { key: "admin", title: "Admin" },
  { key: "support", title: "Support" },
  { key: "billing", title: "Billing" },
  { key: "editor", title: "Editor" },
  { key: "member", title: "Member" },
] as const;

export const roleTitle = (key: string): string => roles.find((r) => r.key === key)?.title ?? key;
