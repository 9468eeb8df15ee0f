"use client";
import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { queryClient } from "@/lib/query-client";
import { ConfirmIdentity } from "./confirm-identity";
import { Toaster } from "./ui/toast";

export function Providers({ children }: { children: ReactNode }) {
  return (
    <QueryClientProvider client={queryClient()}>
      {children}
      <ConfirmIdentity />
      <Toaster />
    </QueryClientProvider>
  );
}
