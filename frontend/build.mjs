// Bundles the pages' scripts and styles into the folder named as the first argument, under names that carry a digest of
// their content, each also compressed, with manifest.json to find them by. The second argument is kept in the manifest.

import { build } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder, sources] = process.argv.slice(2);

const result = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: { main: "src/main.ts", style: "src/styles/main.css", icon: "src/icon.svg" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  loader: { ".svg": "copy" },
  outdir: folder,
  metafile: true,
  logLevel: "warning",
});

async function licences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
    if (found) packages.add(found[1]);
  }
  const texts = [];
  for (const name of [...packages].sort()) {
    const place = join(import.meta.dirname, "node_modules", name);
    const file = (await readdir(place)).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} comes without a licence file: it cannot be bundled.`);
    texts.push(`${name}\n\n${(await readFile(join(place, file), "utf8")).trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(72)}\n\n`);
}

const outputs = Object.entries(result.metafile.outputs);
for (const [path] of outputs) {
  const file = join(import.meta.dirname, path);
  const content = await readFile(file);
  await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
  const best = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${file}.br`, brotliCompressSync(content, { params: best }));
}

const entries = {};
for (const [path, output] of outputs) {
  if (output.entryPoint && !output.entryPoint.startsWith("src/islands/")) {
    entries[basename(output.entryPoint)] = basename(path);
  }
}
const files = outputs.map(([path]) => basename(path)).sort();
await writeFile(join(folder, "manifest.json"), JSON.stringify({ sources, entries, files }, null, 1) + "\n");
await writeFile(join(folder, "licences.txt"), await licences(Object.keys(result.metafile.inputs)));
