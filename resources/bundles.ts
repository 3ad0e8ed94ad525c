/**
 * Plugin of esbuild for the bundles of functions (serverless.yml): leaves out what no function uses of its packages.
 * A bundle is read and compiled at each cold start. docs/performance.md has what is in each.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Files of packages whose exports only throw, each with the reason why no function calls them. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  'No function makes a JSON Schema.': [
    'zod/v4/core/to-json-schema.js',
    'zod/v4/core/json-schema-processors.js',
  ],
  'Lambda names the region in the environment.': [
    '@smithy/core/dist-es/submodules/config/config-resolver/regionConfig/getInstanceMetadataRegion.js',
  ],
  'Node.js has this algorithm itself.': [
    '@smithy/core/dist-es/submodules/checksum/crc32/Crc32Js.js',
    '@smithy/core/dist-es/submodules/checksum/md5/Md5Js.js',
    '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js',
    '@aws-sdk/checksums/dist-es/submodules/sha/sha1/Sha1Js.js',
  ],
  'Retries are the standard ones.': [
    '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js',
  ],
};

/** Replacements for files that functions call, or that clients call when they are created. */
const replaced: Readonly<Record<string, string>> = {
  // No operation that a function calls answers with a stream of events.
  '@smithy/core/dist-es/submodules/event-streams/index.js': `
    export const resolveEventStreamSerdeConfig = (config) => config;
    export const eventStreamSerdeProvider = () => ({});
    export const EventStreamSerde = undefined;`,
  // A setting that is not in the environment has its default: Lambda has no files of settings.
  '@smithy/core/dist-es/submodules/config/node-config-provider/fromSharedConfigFiles.js': `
    import { CredentialsProviderError } from '../property-provider/CredentialsProviderError';
    export const fromSharedConfigFiles = () => async () => {
      throw new CredentialsProviderError('Lambda has no files of settings.', { logger: undefined });
    };`,
  // DynamoDB's endpoints are not looked for.
  '@aws-sdk/endpoint-cache/dist-es/EndpointCache.js': 'export class EndpointCache {}',
};

/** Errors whose class matters: their fields are read, or the SDK knows by their name or class to send a call again. */
const modelledErrors = new Set([
  'ConditionalCheckFailedException',
  'TransactionCanceledException',
  'TransactionInProgressException',
  'LimitExceededException',
]);

const inPackages = (file: string) => new RegExp(`[\\\\/]node_modules[\\\\/]${file}$`);
const exactly = (file: string) => inPackages(file.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]'));

const exportedName = /^export (?:async )?(?:const|var|class|function) (\w+)/gm;

/** The same exports; to call one of them says why it is not there. */
function emptied(source: string, path: string, why: string): string {
  const names = [...source.matchAll(exportedName)].map(([, name]) => `none as ${name}`);
  const message = JSON.stringify(`${path.split('node_modules').at(-1)} is in no bundle. ${why}`);
  return `function none() { throw new Error(${message}); }\nexport { ${names.join(', ')} };`;
}

/**
 * The SDK's schemas without the errors that the code knows by name only, and with the text of each constant in its place.
 * Only then esbuild can tell that the schema of a call that nobody makes may be left out.
 */
function lighterSchemas(source: string): string {
  const words = new Map<string, string>();
  return source
    .replace(/^const (_\w+) = (".*");\n/gm, (_, name: string, word: string) => {
      words.set(name, word);
      return '';
    })
    .replace(/\b_\w+\b/g, (name) => words.get(name) ?? name)
    .replace(/^n0_registry\.registerError\(\w+\$, (\w+)\);\n/gm, (line, name: string) =>
      modelledErrors.has(name) ? line : '',
    );
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Names of all methods that functions call, on whatever. */
function calledMethods(): Set<string> {
  const sources = ['src', 'functions'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
  return new Set(sources.flatMap((text) => [...text.matchAll(/\.(\w+)\(/g)].map(([, name = '']) => name)));
}

/** Read once, although each function is bundled by itself. */
const called = calledMethods();

const method = /^ {4}(?:async )?(\w+)(?:\(|: (?:async )?function ).*\{\n(?: {8}.*\n)+ {4}\},\n/gm;

/** Zod's schemas without the methods that nobody calls: each schema has all of them, and so all that they need. */
function lighterZod(source: string, isCalled: (name: string) => boolean): string {
  const own = new Set([...source.matchAll(/this\.(\w+)\(/g)].map(([, name]) => name));
  return source
    .replace(method, (text, name: string) => (isCalled(name) || own.has(name) ? text : ''))
    .replace(/^ {4}inst\._zod\.processJSONSchema = .*\n/gm, '');
}

const lighterBundles: Plugin = {
  name: 'lighter-bundles',
  setup({ onLoad }) {
    const change = (filter: RegExp, contentsOf: (source: string, path: string) => string) =>
      onLoad({ filter }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const contents = contentsOf(source, path);
        if (contents === source) throw new Error(`${path} is not as resources/bundles.ts knows it.`);
        return { contents, loader: 'default' };
      });
    for (const file of [...Object.values(leftOut).flat(), ...Object.keys(replaced)]) {
      if (!existsSync(join(root, 'node_modules', file))) {
        throw new Error(`${file} is not there any more, as resources/bundles.ts knows it.`);
      }
    }
    for (const [why, files] of Object.entries(leftOut)) {
      for (const file of files) change(exactly(file), (source, path) => emptied(source, path, why));
    }
    for (const [file, contents] of Object.entries(replaced)) change(exactly(file), () => contents);
    change(exactly('zod/v4/classic/schemas.js'), (source) => lighterZod(source, (name) => called.has(name)));
    const client = '@aws-sdk[\\\\/]client-[\\w-]+[\\\\/]';
    change(inPackages(`${client}dist-es[\\\\/]schemas[\\\\/]schemas_0\\.js`), lighterSchemas);
    // Of its own package, a client needs the version.
    change(inPackages(`${client}package\\.json`), (source) =>
      JSON.stringify({ version: JSON.parse(source).version }),
    );
  },
};

export default [lighterBundles];
