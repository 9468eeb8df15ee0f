import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { display, mono, sans } from "./fonts";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Portico", template: "%s · Portico" },
  description: "Accounts, updates and a warm welcome for the members of your business, on one machine that you own.",
  // What somebody must sign in for, or followed a link to, is nothing to find: pages that are say so themselves.
  robots: { index: false },
  icons: { icon: { url: "/icon.svg", type: "image/svg+xml" } },
};
export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fbfaf7" },
    { media: "(prefers-color-scheme: dark)", color: "#0c1116" },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    // The class of a forced theme is set by /theme.js before the first paint, hence before React knows of it.
    <html lang="en" className={`${sans.variable} ${mono.variable} ${display.variable}`} suppressHydrationWarning>
      <head>
        <script src="/theme.js" />
      </head>
      <body>{children}</body>
    </html>
  );
}
