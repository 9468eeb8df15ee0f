import { Notice } from "@/components/notice";

/** What became of a trip to a provider's: the words come from whoever sent the browser off. */
export function ProviderNotice({ linked, problem }: { linked: string | null; problem: string | null }) {
  if (problem) return <Notice>{problem}</Notice>;
  if (linked) return <Notice tone="success">{linked} signs you in from now on.</Notice>;
  return null;
}
