/** The drop-in components, as an app would place them. The server's address and keys come in the page's own script. */
import { AccountSettings, SignIn, SignUp, StackHandler, StackProvider, StackTheme, StackClientApp, UserButton, useUser } from "@stackframe/react";
import { Suspense } from "react";
import { createRoot } from "react-dom/client";

const app = new StackClientApp({
  ...window.PORTICO,
  tokenStore: "cookie",
  redirectMethod: "window",
  analytics: { enabled: false },
  devTool: false,
  urls: { handler: "/handler", home: "/", afterSignIn: "/", afterSignUp: "/", afterSignOut: "/", accountSettings: "/settings", signIn: "/sign-in", signUp: "/sign-up" },
});

function Home() {
  const user = useUser();
  return (
    <main>
      <p id="who">{user ? `Signed in as ${user.primaryEmail}` : "Nobody"}</p>
      <UserButton />
    </main>
  );
}

function Page() {
  const { pathname } = window.location;
  if (pathname === "/sign-in") return <SignIn fullPage />;
  if (pathname === "/sign-up") return <SignUp fullPage />;
  if (pathname === "/settings") return <AccountSettings fullPage />;
  if (pathname.startsWith("/handler")) return <StackHandler app={app} location={pathname} fullPage />;
  return <Home />;
}

// What has no button in the components is called by its name.
window.stackApp = app;

createRoot(document.getElementById("root")).render(
  <StackProvider app={app}>
    <StackTheme>
      <Suspense fallback={<p>…</p>}>
        <Page />
      </Suspense>
    </StackTheme>
  </StackProvider>,
);
