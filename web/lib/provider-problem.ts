/** What a return from a provider came to, in words; only its code travels in the address. */
export function providerProblem(code: string | null, title: string): string | null {
  if (!code) return null;
  const words: Record<string, string> = {
    provider_denied: `You were not signed in at ${title}. Try again, or choose another way.`,
    provider_flow_stale: "That sign-in took too long, was used already, or began in another browser. Try again.",
    provider_unreachable: `${title} cannot be reached right now. Try again later, or choose another way.`,
    provider_refused: `What ${title} said could not be trusted, so nobody was signed in. Try again.`,
    provider_email_unverified: `${title} has not proved that your address is yours. Prove it there and come back; or make an account here with a password and link ${title} on its security page.`,
    provider_account_exists: `There is an account with your address here already. Sign in to it as usual, then link ${title} on the security page.`,
    provider_sign_up_closed: "There is no account with your address here. Ask the people who run this place to invite you.",
    provider_linked_elsewhere: `That account at ${title} signs somebody else in here already. Nothing was linked.`,
    provider_linked_already: `Another account at ${title} is linked to yours. Unlink it first, then try again.`,
    provider_unknown: "This place does not know that provider any more. Choose another way.",
    account_suspended: "This account is suspended. Ask the people who run this place.",
    email_unverified: "Confirm your e-mail first: open the link in the mail that we sent you.",
    unauthenticated: "You were signed out in the meantime, so nothing was linked. Sign in and try again.",
    busy: "Somebody changed this at the same moment. Try again.",
  };
  return words[code] ?? "Something failed on our side. Nothing was half done; try again.";
}
