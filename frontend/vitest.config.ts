import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests read the templates: a hook that a script needs must not go missing there.
  server: { fs: { allow: ["..", "../templates"] } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    maxWorkers: 2,
    setupFiles: ["src/testing/setup.ts"],
  },
});
