import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { pageOptions } from "@/lib/pages";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export const sessionsOptions = (client: Client = api) => ({ queryKey: keys.sessions(), queryFn: () => unwrap(client.GET("/api/v1/sessions")) });
export const endSession = (id: string) => unwrap(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } }));
export const endOthers = () => unwrap(api.DELETE("/api/v1/sessions"));
export const saveProfile = (body: Schema["ProfileBody"]) => unwrap(api.PATCH("/api/v1/me", { body }));

export const passkeysOptions = (client: Client = api) => ({ queryKey: keys.passkeys(), queryFn: () => unwrap(client.GET("/api/v1/me/passkeys")) });
export const askForPasskey = () => unwrap(api.POST("/api/v1/me/passkeys/challenge"));
export const addPasskey = (ceremony: string, credential: Record<string, unknown>, name: string) =>
  unwrap(api.POST("/api/v1/me/passkeys", { body: { ceremony, credential: credential as Record<string, never>, name } }));
export const renamePasskey = (id: string, name: string) => unwrap(api.PATCH("/api/v1/me/passkeys/{id}", { params: { path: { id } }, body: { name } }));
export const removePasskey = (id: string) => unwrap(api.DELETE("/api/v1/me/passkeys/{id}", { params: { path: { id } } }));

export const linkedOptions = (client: Client = api) => ({ queryKey: keys.linked(), queryFn: () => unwrap(client.GET("/api/v1/me/providers")) });
export const linkProvider = (name: string) => unwrap(api.POST("/api/v1/me/providers/{name}/departures", { params: { path: { name } } }));
export const unlinkProvider = (name: string) => unwrap(api.DELETE("/api/v1/me/providers/{name}", { params: { path: { name } } }));

export const setPicture = (file: File) => {
  const form = new FormData();
  form.append("file", file);
  return unwrap(api.PUT("/api/v1/me/picture", { body: { file: "" }, bodySerializer: () => form }));
};
export const removePicture = () => unwrap(api.DELETE("/api/v1/me/picture"));

export const emailChangeOptions = (client: Client = api) => ({ queryKey: keys.emailChange(), queryFn: () => unwrap(client.GET("/api/v1/me/email-change")) });
export const askEmailChange = (email: string) => unwrap(api.POST("/api/v1/me/email-change", { body: { email } }));
export const dropEmailChange = () => unwrap(api.DELETE("/api/v1/me/email-change"));

export const exportOptions = (client: Client = api) => ({ queryKey: keys.dataExport(), queryFn: () => unwrap(client.GET("/api/v1/me/export")) });
export const askExport = () => unwrap(api.POST("/api/v1/me/export"));
export const leaveOptions = (client: Client = api) => ({ queryKey: keys.deletion(), queryFn: () => unwrap(client.GET("/api/v1/me/deletion")) });
export const leave = () => unwrap(api.POST("/api/v1/me/deletion"));

export const securityOptions = (client: Client = api) => ({ queryKey: keys.ownSecurity(), queryFn: () => unwrap(client.GET("/api/v1/me/security")) });
export const changePassword = (body: Schema["PasswordBody"]) => unwrap(api.PUT("/api/v1/me/password", { body }));
export const enrolTotp = () => unwrap(api.POST("/api/v1/me/totp"));
export const confirmTotp = (code: string) => unwrap(api.PUT("/api/v1/me/totp", { body: { code } }));
export const removeTotp = () => unwrap(api.DELETE("/api/v1/me/totp"));
export const renewCodes = () => unwrap(api.POST("/api/v1/me/recovery-codes"));
export const forgetDevice = (id: string) => unwrap(api.DELETE("/api/v1/me/remembered-devices/{id}", { params: { path: { id } } }));

export const impersonationsOptions = (client: Client = api) =>
  pageOptions(keys.impersonations(), (cursor) => unwrap(client.GET("/api/v1/me/impersonations", { params: { query: { ...(cursor ? { cursor } : {}), limit: 5 } } })));
