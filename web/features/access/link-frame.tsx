import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";

/** What stands where a link's form will be, or would have been. */
export function LinkLoading() {
  return (
    <div aria-busy className="flex flex-col gap-4">
      <Skeleton className="h-5 w-56" />
      <Skeleton className="h-11" />
    </div>
  );
}

export function LinkRefused({ message, again, href }: { message: string; again: string; href: string }) {
  return (
    <div role="alert" className="flex flex-col items-start gap-4">
      <p className="text-16">{message}</p>
      <Button asChild variant="secondary">
        <a href={href}>{again}</a>
      </Button>
    </div>
  );
}

export function LinkMissing() {
  return <p className="text-16">This page needs the whole link from the e-mail. Open it again from there.</p>;
}
