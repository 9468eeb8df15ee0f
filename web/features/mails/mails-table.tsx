"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { mailsOptions, type MailLine } from "./api";

const State = ({ mail }: { mail: MailLine }) =>
  mail.changed_at ? (
    <span className="flex flex-col items-start gap-0.5">
      <Badge tone="primary">Changed</Badge>
      <span className="text-13 text-muted max-md:hidden">
        {mail.changed_by ? `${mail.changed_by.name}, ` : null}
        <RelativeTime at={mail.changed_at} />
      </span>
    </span>
  ) : (
    <span className="text-muted">As it came</span>
  );

const columns: readonly Column<MailLine>[] = [
  {
    key: "title",
    header: "Mail",
    className: "w-full max-w-0 min-w-44",
    cell: (mail) => (
      <span className="flex min-w-0 flex-col py-0.5">
        <Link href={`/admin/mails/${mail.name}`} className="truncate font-medium hover:underline">
          {mail.title}
        </Link>
        <span className="text-13 text-muted">{mail.when}</span>
      </span>
    ),
  },
  { key: "subject", header: "Subject", wide: true, className: "max-w-72 min-w-48", cell: (mail) => <span className="block truncate text-muted">{mail.subject}</span> },
  { key: "state", header: "Words", className: "whitespace-nowrap", cell: (mail) => <State mail={mail} /> },
];

/** Every mail that this place sends, and whose words were changed. */
export function MailsTable() {
  const { data, isError, error, refetch } = useQuery(mailsOptions());
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <DataTable
      caption="Mails"
      columns={columns}
      rows={data?.items}
      rowKey={(mail) => mail.name}
      empty={
        <EmptyState scene="quiet" title="This place sends no mail">
          Nothing is to be worded here.
        </EmptyState>
      }
    />
  );
}
