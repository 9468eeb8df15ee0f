import { CircleAlert } from "lucide-react";
import type { ApiError } from "@/lib/api/problem";

/** What the server said of the form as a whole; what it said of a field stands at the field. */
export function FormError({ error }: { error: ApiError | null }) {
  const atFields = error ? Object.keys(error.fields).length > 0 : false;
  return (
    <div role="alert">
      {error && !atFields ? (
        <p className="flex items-start gap-2 rounded-control bg-danger/8 px-3 py-2 text-14 text-danger">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          {error.message}
        </p>
      ) : null}
    </div>
  );
}
