"use client";
import "./globals.css";

export default function GlobalError({ reset }: { error: Error; reset: () => void }) {
  return (
    <html lang="en">
      <body>
        <title>Portico</title>
        <main className="flex min-h-dvh flex-col items-center justify-center gap-6 p-6 text-center">
          <h1 className="font-display text-34">This page could not be shown</h1>
          <p className="text-16 text-muted">What you saved is safe. Try again in a moment.</p>
          <button type="button" className="h-11 rounded-control bg-primary px-6 text-16 font-medium text-on-primary" onClick={reset}>
            Try again
          </button>
        </main>
      </body>
    </html>
  );
}
