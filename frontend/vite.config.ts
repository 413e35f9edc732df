import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

// Every page module is an entry point; django-vite finds it in the manifest by this name.
const pages = readdirSync(new URL("src/pages/", import.meta.url))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => `src/pages/${name}`);

export default defineConfig({
  base: "/static/",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    // The licences of what is bundled travel with the bundle (OpenSeadragon is BSD-3-Clause).
    license: { fileName: "licenses.txt" },
    // A style sheet or picture in a data: URL would not pass the content security policy.
    assetsInlineLimit: 0,
    rollupOptions: { input: pages },
  },
});
