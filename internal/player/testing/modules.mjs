// What a page's modules import, and what its index.html preloads.

import { readFileSync } from "node:fs";

/** The addresses of what a module imports. */
export function importsOf(url) {
  const imports = readFileSync(url, "utf8").matchAll(/^(?:import|export)\b[^"';]*?["'](\.{1,2}\/[^"']+)["']/gm);
  return [...imports].map(([, path]) => new URL(path, url));
}

/** The addresses of a module and of all that it imports. */
export function modulesOf(url, found = new Set()) {
  if (found.has(url.href)) return found;
  found.add(url.href);
  for (const imported of importsOf(url)) modulesOf(imported, found);
  return found;
}

/** The paths that a page preloads as modules, sorted. */
export function preloadedBy(page) {
  const links = readFileSync(page, "utf8").matchAll(/rel="modulepreload" href="([^"]+)"/g);
  return [...links].map(([, path]) => path).sort();
}
