"use client";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/error-state";
import { Notice } from "@/components/notice";
import { PageHeader } from "@/components/page-header";
import { Section } from "@/components/section";
import { Skeleton } from "@/components/ui/skeleton";
import { projectOptions, type StackProject } from "./api";
import { Copyable, Lines } from "./copyable";
import { SecretKey } from "./secret-key";

const environment = (project: StackProject) =>
  [
    `NEXT_PUBLIC_STACK_API_URL=${project.base_url}`,
    `NEXT_PUBLIC_STACK_PROJECT_ID=${project.project_id}`,
    `NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY=${project.publishable_client_key}`,
  ].join("\n");

const Code = ({ children }: { children: string }) => <code className="font-mono text-13">{children}</code>;

function Places({ project }: { project: StackProject }) {
  const places = [
    { url: project.own_origin, why: "This place itself" },
    ...(project.allow_localhost ? [{ url: "http://localhost", why: "The visitor's own machine, on any port: for development" }] : []),
    ...project.trusted_domains.map((url) => ({ url, why: "Said in the configuration" })),
  ];
  return (
    <Section
      title="Where people may be led"
      lead={
        <>
          Links in mails and sign-ins lead to these addresses only. Add your app&apos;s to <Code>trusted_domains</Code> below <Code>[identity.stack_auth]</Code> in the configuration, and start the server again.
        </>
      }
    >
      <ul className="divide-y divide-border rounded-card border border-border bg-surface">
        {places.map((place) => (
          <li key={place.url} className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 px-4 py-3">
            <code className="min-w-0 font-mono text-13 break-all">{place.url}</code>
            <span className="text-13 text-muted">{place.why}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Callbacks({ project }: { project: StackProject }) {
  return (
    <Section
      title="Where codes are sent"
      lead={
        <>
          Back from a provider, a browser brings its code to one of these addresses, letter by letter. The SDK&apos;s own page of each place above need not be said; any other stands in <Code>redirect_urls</Code>.
          {project.allow_localhost ? " On this machine, any address is good." : null}
        </>
      }
    >
      <ul className="divide-y divide-border rounded-card border border-border bg-surface">
        {project.redirect_urls.map((url) => (
          <li key={url} className="px-4 py-3">
            <code className="font-mono text-13 break-all">{url}</code>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Providers({ project }: { project: StackProject }) {
  if (project.providers.length === 0) return null;
  return (
    <Section title="At the providers" lead="Register these addresses at each provider, so that it may send people back: to your own pages, and to apps.">
      <dl className="flex flex-col gap-4">
        {project.providers.flatMap((provider) => provider.urls.map((url, at) => <Copyable key={url} label={`${provider.title}, ${at === 0 ? "own pages" : "apps"}`} value={url} />))}
      </dl>
    </Section>
  );
}

/** What an app needs to let people sign in here by the SDK of Stack Auth. */
export function Project() {
  const { data: project, isError, error, refetch } = useQuery(projectOptions());
  return (
    <>
      <PageHeader title="Apps">Let people sign in to your own apps with their account here, by the SDK of Stack Auth.</PageHeader>
      {project ? (
        <div className="flex max-w-3xl flex-col gap-8">
          {project.enabled ? null : <Notice>Apps are switched off here. Set enabled to true below [identity.stack_auth] in the configuration, and start the server again.</Notice>}
          <Section title="For your app" lead="Nothing of this is secret: it may stand in a web page.">
            <dl className="flex flex-col gap-4">
              <Copyable label="Base URL" value={project.base_url} />
              <Copyable label="Project id" value={project.project_id} />
              <Copyable label="Publishable key" value={project.publishable_client_key} />
            </dl>
            <Lines label="All of it, for an .env file" value={environment(project)} />
          </Section>
          <SecretKey project={project} />
          <Places project={project} />
          {project.providers.length ? <Callbacks project={project} /> : null}
          <Providers project={project} />
        </div>
      ) : isError ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <Skeleton className="h-96 max-w-3xl" />
      )}
    </>
  );
}
