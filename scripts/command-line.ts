/**
 * `dataloop-connect` in one file, which needs no package and runs on every Node.js that package.json names. `npm ci` makes it
 * (`prepare`), and so does `npm pack`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { projectRoot } from '../local/environment/paths.ts';

/** Folder of the package that a file belongs to, from the project's folder. */
const packageOf = (path: string): string | undefined =>
  /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');

/** Each text once, below the packages that have it. */
function licencesOf({ inputs }: Metafile): string {
  const packages = [...new Set(Object.keys(inputs).flatMap((path) => packageOf(path) ?? []))].sort();
  const byText = new Map<string, string[]>();
  for (const path of packages) {
    const at = (name: string) => join(projectRoot, path, name);
    const names = ['LICENSE', 'LICENSE.md', 'LICENCE', 'LICENSE.txt', 'license'];
    const text = names.map((name) => textOf(at(name))).find((found) => found !== '') ?? '';
    const licence = /"license": *"([^"]+)"/.exec(textOf(at('package.json')))?.[1] ?? 'unknown';
    const title = `${path.split('node_modules/').at(-1)} (${licence})`;
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  return [...byText]
    .map(([text, titles]) => `${titles.join('\n')}\n\n${text}`.trim())
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** @returns script and style of the page (cli/page/browser), each as one text */
export async function bundlePage(): Promise<{ readonly script: string; readonly style: string }> {
  const { outputFiles } = await build({
    absWorkingDir: projectRoot,
    entryPoints: ['cli/page/browser/main.ts', 'cli/page/browser/style.css'],
    outdir: 'page',
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: ['es2022', 'chrome123', 'firefox121', 'safari17.5'],
    // They are put into a document: nothing may end its elements.
    supported: { 'inline-script': false },
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text.trim() ?? '';
  return { script: textOf('.js'), style: textOf('.css') };
}

/** Writes the bundle, and beside it the licences of all that is in it. @returns what is in it */
export async function bundleCommandLine(folder: string): Promise<Metafile> {
  await mkdir(folder, { recursive: true });
  const page = await bundlePage();
  const { metafile } = await build({
    absWorkingDir: projectRoot,
    entryPoints: ['cli/main.ts'],
    outfile: join(folder, 'dataloop-connect.cjs'),
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    define: { PAGE_SCRIPT: JSON.stringify(page.script), PAGE_STYLE: JSON.stringify(page.style) },
    metafile: true,
    logLevel: 'warning',
  });
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), `${licencesOf(metafile)}\n`);
  return metafile;
}
