import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

// One file that needs no other: Mosquitto's http_dir gives files no type, so browsers refuse
// modules from it, and from file:// they refuse all modules that are not inside the page.
export default defineConfig({
    plugins: [viteSingleFile()],
    build: {
        target: "es2022",
        modulePreload: { polyfill: false },
    },
});
