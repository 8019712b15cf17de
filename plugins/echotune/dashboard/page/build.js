// Bundles src/ into ../static: index.html, and what it needs in assets/.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";

const target = new URL("../static/", import.meta.url).pathname;
rmSync(target, { recursive: true, force: true });
mkdirSync(`${target}assets`, { recursive: true });
await build({
  entryPoints: ["src/page.tsx"],
  outdir: `${target}assets`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "linked",
});
copyFileSync("index.html", `${target}index.html`);
