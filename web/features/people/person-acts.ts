import type { BulkAction } from "./bulk-api";
import type { Detail } from "./person-api";
import * as person from "./person-api";

/** An act on one person: what it is called, what it means, and what is said afterwards. */
export interface Act {
  label: string;
  title: (name: string) => string;
  text: string;
  done: (name: string) => string;
  danger?: boolean;
  /** Asks why. */
  reason?: boolean;
  /** Can be taken back by restoring. */
  undo?: boolean;
  run: (id: string, reason: string) => Promise<unknown>;
  when: (user: Detail) => boolean;
}

export const ACTS = {
  suspend: {
    label: "Suspend",
    title: (name) => `Suspend ${name}?`,
    text: "They are signed out everywhere at once, and cannot come back until somebody restores them. Nothing of theirs is removed.",
    done: (name) => `${name} is suspended.`,
    danger: true,
    reason: true,
    undo: true,
    run: person.suspend,
    when: (user) => user.status === "active" || user.status === "invited",
  },
  restore: {
    label: "Restore",
    title: (name) => `Restore ${name}?`,
    text: "They can sign in again with what they had.",
    done: (name) => `${name} is back.`,
    run: person.restore,
    when: (user) => user.status === "suspended" || user.status === "deleted",
  },
  signOut: {
    label: "Sign out everywhere",
    title: (name) => `Sign ${name} out everywhere?`,
    text: "Every device is signed out at once. They can sign in again.",
    done: (name) => `${name} is signed out everywhere.`,
    run: person.signOut,
    when: (user) => user.status === "active",
  },
  password: {
    label: "Ask for a new password",
    title: (name) => `Have ${name} choose a new password?`,
    text: "The present password stops working, every device is signed out, and they get a mail that helps them to a new one.",
    done: (name) => `${name} has a mail on the way.`,
    run: person.forgetPassword,
    when: (user) => user.status === "active",
  },
  secondFactor: {
    label: "Remove the second factor",
    title: (name) => `Remove ${name}'s second factor?`,
    text: "For somebody who lost their phone and their recovery codes. Make sure that it is them: from then on the password alone lets them in.",
    done: (name) => `${name} signs in without a second factor now.`,
    danger: true,
    run: person.dropSecondFactor,
    when: (user) => user.second_factor && user.status !== "deleted",
  },
  remove: {
    label: "Move to the trash",
    title: (name) => `Move ${name} to the trash?`,
    text: "They are signed out and gone from the list. For a while they can be restored; after that, what names them is erased for good.",
    done: (name) => `${name} is in the trash.`,
    danger: true,
    undo: true,
    run: person.remove,
    when: (user) => user.status !== "deleted",
  },
} as const satisfies Record<string, Act>;

export type ActKey = keyof typeof ACTS;

/** The same for many. */
export const BULK: Record<BulkAction, { label: string; verb: string; done: string; text: string; danger?: boolean; needs: "users.write" | "roles.write" }> = {
  suspend: { label: "Suspend", verb: "Suspending", done: "suspended", text: "They are signed out at once, and cannot come back until somebody restores them.", danger: true, needs: "users.write" },
  restore: { label: "Restore", verb: "Restoring", done: "restored", text: "Who is suspended or in the trash can sign in again. Others are passed over.", needs: "users.write" },
  sign_out: { label: "Sign out", verb: "Signing out", done: "signed out", text: "Every device of theirs is signed out at once. They can sign in again.", needs: "users.write" },
  grant: { label: "Give a role", verb: "Giving the role to", done: "given the role", text: "The role counts at once.", needs: "roles.write" },
  revoke: { label: "Take a role", verb: "Taking the role from", done: "without the role", text: "What the role allowed ends at once.", needs: "roles.write" },
  delete: { label: "Move to the trash", verb: "Moving to the trash", done: "in the trash", text: "They are signed out and gone from the list. For a while they can be restored; after that, what names them is erased.", danger: true, needs: "users.write" },
};
