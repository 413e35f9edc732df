import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests read the templates: a hook that a script needs must not go missing there.
  server: { fs: { allow: ["..", "../templates"] } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    // One jsdom per worker instead of one per file; each test cleans up what it stubs.
    isolate: false,
    maxWorkers: 2,
    setupFiles: ["src/testing/setup.ts"],
  },
});
