import { api } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";

export const signIn = (email: string, password: string) => unwrap(api.POST("/api/v1/sessions", { body: { email, password } }));
export const signUp = (name: string, email: string, password: string) => unwrap(api.POST("/api/v1/accounts", { body: { name, email, password } }));
export const setUp = (body: { token: string; name: string; email: string; password: string }) => unwrap(api.POST("/api/v1/setup", { body }));
export const pending = (token: string) => unwrap(api.POST("/api/v1/accounts/verification", { body: { token } }));
export const verify = (body: { token: string; display_name: string; time_zone: string; locale: string }) => unwrap(api.PUT("/api/v1/accounts/verification", { body }));
