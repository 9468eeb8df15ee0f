import type { Query, Schema } from "./api/client";

/** The one factory of query keys: what is invalidated and what is cached cannot drift apart. */
export interface UserFilter {
  search?: string;
  status?: Schema["Status"] | undefined;
  role?: string;
  online?: string;
  verified?: string;
  second_factor?: string;
  joined_from?: string;
  joined_until?: string;
  sort?: Query<"people">["sort"];
  cursor?: string;
}

export const keys = {
  me: () => ["me"] as const,
  sessions: () => ["sessions"] as const,
  passkeys: () => ["passkeys"] as const,
  linked: () => ["linked"] as const,
  emailChange: () => ["email-change"] as const,
  dataExport: () => ["data-export"] as const,
  deletion: () => ["deletion"] as const,
  impersonations: () => ["impersonations"] as const,
  ownSecurity: () => ["own-security"] as const,
  users: {
    all: () => ["users"] as const,
    list: (filter: UserFilter) => ["users", "list", filter] as const,
    one: (id: string) => ["users", "one", id] as const,
    totals: () => ["users", "totals"] as const,
    count: ({ search, status, role, online, verified, second_factor, joined_from, joined_until }: UserFilter) => ["users", "count", { search, status, role, online, verified, second_factor, joined_from, joined_until }] as const,
    sessions: (id: string) => ["users", "one", id, "sessions"] as const,
    notes: (id: string) => ["users", "one", id, "notes"] as const,
    timeline: (id: string) => ["users", "one", id, "timeline"] as const,
    views: () => ["users", "views"] as const,
    bulk: (run: string) => ["users", "bulk", run] as const,
  },
  roles: () => ["roles"] as const,
  permissions: () => ["permissions"] as const,
  updates: {
    all: () => ["updates"] as const,
    list: () => ["updates", "list"] as const,
    one: (id: string) => ["updates", "one", id] as const,
    recipients: (id: string) => ["updates", "recipients", id] as const,
    preview: (audience: unknown) => ["updates", "preview", audience] as const,
  },
  feed: {
    all: () => ["feed"] as const,
    waiting: () => ["feed", "waiting"] as const,
    list: (unread: boolean) => ["feed", "list", unread] as const,
    one: (id: string) => ["feed", "one", id] as const,
  },
  tiers: {
    all: () => ["tiers"] as const,
    list: () => ["tiers", "list"] as const,
    features: () => ["tiers", "features"] as const,
    membership: (user: string) => ["tiers", "membership", user] as const,
  },
  payments: {
    list: (filter: object) => ["payments", "list", filter] as const,
    mine: () => ["payments", "mine"] as const,
    offers: () => ["payments", "offers"] as const,
  },
  import: (id: string) => ["import", id] as const,
  invitations: () => ["invitations"] as const,
  hosted: {
    all: () => ["hosted"] as const,
    state: () => ["hosted", "state"] as const,
    events: (state: string) => ["hosted", "events", state] as const,
    runs: () => ["hosted", "runs"] as const,
    drift: (run: string) => ["hosted", "drift", run] as const,
  },
  apiKeys: () => ["api-keys"] as const,
  stackProject: () => ["stack-project"] as const,
  security: {
    events: (filter: object) => ["security", "events", filter] as const,
    figures: () => ["security", "figures"] as const,
  },
  audit: (filter: object) => ["audit", "list", filter] as const,
  auditActions: () => ["audit", "actions"] as const,
  mails: {
    list: () => ["mails", "list"] as const,
    one: (name: string) => ["mails", "one", name] as const,
  },
  deadJobs: () => ["jobs", "dead"] as const,
};
