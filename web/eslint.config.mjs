import { readdirSync } from "node:fs";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

const tamagui = { group: ["@tamagui/*"], message: "Tamagui stays behind components/layout." };
const features = readdirSync("features");
const strangers = (own) => features.filter((f) => f !== own).map((f) => `@/features/${f}/*`);

export default ts.config(
  { ignores: [".next/**", ".tamagui/**", "node_modules/**", "next-env.d.ts", "lib/api/schema.d.ts", "scripts/**", "test/*.cjs", "e2e/**", "*.mjs", "public/**"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  ...ts.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/consistent-type-imports": "error",
      "no-restricted-imports": ["error", { patterns: [tamagui] }],
      "no-restricted-syntax": ["error", { selector: "JSXAttribute[name.name='style']", message: "No style attribute: the content security policy forbids it." }],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  a11y.flatConfigs.strict,
  {
    settings: { "jsx-a11y": { components: { Button: "button", Input: "input", Label: "label", Select: "select", Checkbox: "input", Textarea: "textarea" } } },
  },
  ...features.map((own) => ({
    files: [`features/${own}/**`],
    rules: {
      "no-restricted-imports": ["error", { patterns: [tamagui, { group: strangers(own), message: "A feature never imports a feature." }] }],
    },
  })),
  {
    files: ["components/**", "lib/**"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [tamagui, { group: ["@/features/*", "@/app/*"], message: "Shared code knows no feature." }] }],
    },
  },
  { files: ["components/layout/**"], rules: { "no-restricted-imports": "off" } },
);
