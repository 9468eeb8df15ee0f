"use client";
import { useQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { text, useSubmit } from "@/lib/use-submit";
import { check, type Import, type Staged } from "./import-api";
import { rolesOptions } from "./roles-api";

const place = (value: string): number | null => (value === "" ? null : Number(value));

/** Says which column holds what, beside the first lines of the file. */
export function ImportColumns({ staged, checked }: { staged: Staged; checked: (next: Import) => void }) {
  const { data: roles } = useQuery(rolesOptions());
  const { columns, id } = staged.import;
  const form = useSubmit(
    (data) => check(id, { email: place(text(data, "email")), name: place(text(data, "name")), role: place(text(data, "role")), default_role: text(data, "default_role") || null }),
    checked,
  );
  const choice = (name: "email" | "name" | "role", label: string, none: string) => (
    <Field label={label} error={form.fields[name]}>
      {(wiring) => (
        <Select name={name} defaultValue={staged[name]?.toString() ?? ""} {...wiring}>
          <option value="">{none}</option>
          {columns.map((column, at) => (
            <option key={at} value={at}>
              {column || `Column ${String(at + 1)}`}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
  const known = Object.keys(form.fields).length > 0;
  return (
    <section aria-label="Columns" className="flex flex-col gap-4">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls sideways must be reachable by keyboard */}
      <div className="overflow-x-auto rounded-card border border-border" tabIndex={0} role="region" aria-label="The first lines of the file">
        <Table>
          <caption className="sr-only">The first lines of the file</caption>
          <thead>
            <tr>
              {columns.map((column, at) => (
                <Th key={at}>{column || `Column ${String(at + 1)}`}</Th>
              ))}
            </tr>
          </thead>
          <tbody>
            {staged.preview.map((line) => (
              <Tr key={line.line}>
                {line.cells.map((cell, at) => (
                  <Td key={at} className="max-w-60 truncate whitespace-nowrap">
                    {cell}
                  </Td>
                ))}
              </Tr>
            ))}
          </tbody>
        </Table>
      </div>
      <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
        <div role="alert">{form.error && !known ? <p className="text-danger">{form.error.message}</p> : null}</div>
        <div className="grid gap-4 sm:grid-cols-2 md:grid-cols-4">
          {choice("email", "E-mail is in", "Choose a column")}
          {choice("name", "Name is in", "No column: made from the e-mail")}
          {choice("role", "Role is in", "No column")}
          <Field label="Everybody else gets" error={form.fields.default_role}>
            {(wiring) => (
              <Select name="default_role" defaultValue="member" {...wiring}>
                {roles?.items
                  .filter((role) => (role.grantable && role.name !== "owner") || role.name === "member")
                  .map((role) => (
                    <option key={role.name} value={role.name}>
                      {role.title}
                    </option>
                  ))}
              </Select>
            )}
          </Field>
        </div>
        <Button type="submit" variant="secondary" busy={form.busy} className="self-start">
          Try it without importing
        </Button>
      </form>
    </section>
  );
}
