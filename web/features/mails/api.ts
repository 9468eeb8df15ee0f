import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export type MailLine = Schema["MailLineView"];
export type MailWords = Schema["MailWordsView"];
export type Words = Schema["WordsBody"];
const at = (name: string) => ({ path: { name } });

export const mailsOptions = (client: Client = api) => ({ queryKey: keys.mails.list(), queryFn: () => unwrap(client.GET("/api/v1/mail-words")) });
export const mailOptions = (name: string, client: Client = api) => ({ queryKey: keys.mails.one(name), queryFn: () => unwrap(client.GET("/api/v1/mail-words/{name}", { params: at(name) })) });
export const change = (name: string, version: number, words: Words) => unwrap(api.PUT("/api/v1/mail-words/{name}", { params: at(name), body: { version, words } }));
export const reset = (name: string, version: number) => unwrap(api.DELETE("/api/v1/mail-words/{name}", { params: { ...at(name), query: { version } } }));
export const preview = (name: string, body: Words) => unwrap(api.POST("/api/v1/mail-words/{name}/preview", { params: at(name), body }));
export const sendTrial = (name: string, body: Words) => unwrap(api.POST("/api/v1/mail-words/{name}/trial", { params: at(name), body }));
export const pageOf = (name: string) => `/api/v1/mail-words/${encodeURIComponent(name)}/page`;

/** What stands in the form: paragraphs are one text, with an empty line between them. */
export interface Draft {
  subject: string;
  preheader: string;
  heading: string;
  text: string;
  button: string | null;
  note: string;
}
export type Place = keyof Draft;

export const draftOf = (words: Words): Draft => ({
  subject: words.subject,
  preheader: words.preheader ?? "",
  heading: words.heading,
  text: words.paragraphs.join("\n\n"),
  button: words.button ?? null,
  note: words.note ?? "",
});

export const wordsOf = (draft: Draft): Words => ({
  subject: draft.subject,
  preheader: draft.preheader,
  heading: draft.heading,
  paragraphs: draft.text
    .split(/\n[ \t]*\n+/)
    .map((one) => one.trim())
    .filter(Boolean),
  button: draft.button,
  note: draft.note.trim() || null,
});

/** The server's word about a field of the form; one paragraph's fault is the text's. */
export function faultOf(fields: Readonly<Record<string, string>>, place: Place): string | undefined {
  if (place !== "text") return fields[place];
  const at = Object.keys(fields).find((field) => field.startsWith("paragraphs"));
  return at ? fields[at] : undefined;
}
