"use client";
import type { ComponentProps, ReactNode } from "react";
import { Button } from "@/components/ui/button";

interface Props extends Pick<ComponentProps<typeof Button>, "variant" | "size" | "className"> {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
  children: ReactNode;
}

/** Asks for the next page of a list, where there is one. */
export function More({ list, children, variant = "secondary", className = "self-center", ...look }: Props) {
  if (!list.hasNextPage) return null;
  return (
    <Button variant={variant} className={className} busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()} {...look}>
      {children}
    </Button>
  );
}
